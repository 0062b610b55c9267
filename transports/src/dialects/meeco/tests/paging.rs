//! Lists: cursors, pages, filters; and the templates. Section 6 of the page, "Pagination" and "Templates".

use super::{items::create, *};

/// Walks a list page by page as clients do: on with the cursor until there is none. Checks that cursor and `meta` agree,
/// without which the SDK throws.
async fn walk(caller: &Caller<'_>, list: &str, rows: &str, per_page: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut target = format!("{list}per_page={per_page}");
    loop {
        assert!(pages.len() < 100, "the list ends");
        let body = caller.get(&target).await.ok(200);
        let cursor = body["next_page_after"].as_str().map(str::to_owned);
        let old = body["meta"].as_array();
        let exists = old.map_or(&body["meta"]["next_page_exists"], |meta| &meta[0]["next_page_exists"]);
        assert_eq!(*exists, json!(cursor.is_some()));
        pages.push(body[rows].as_array().unwrap().iter().map(|row| text(&row["id"])).collect());
        match cursor {
            Some(cursor) => target = format!("{list}per_page={per_page}&next_page_after={cursor}"),
            None => return pages,
        }
    }
}

#[test]
fn items_come_page_by_page_each_once_and_in_their_order() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let mut ids = Vec::new();
        for _ in 0..7 {
            world.advance(Duration::from_secs(1));
            ids.push(text(&create(&member, "custom", json!([])).await["item"]["id"]));
        }
        for caller in [member.clone(), member.old()] {
            for per_page in [1, 2, 3, 7, 8, 1_000] {
                let pages = walk(&caller, "/items?", "items", per_page).await;
                assert_eq!(pages.concat(), ids, "{per_page}");
                assert_eq!(pages.len(), 7_usize.div_ceil(per_page), "{per_page}: no page is empty");
                assert!(pages.iter().all(|page| page.len() <= per_page));
            }
        }
        assert_eq!(walk(&world.member("rsa4096").await, "/items?", "items", 3).await, [Vec::<String>::new()]);
    });
}

#[test]
fn a_page_has_200_items_unless_asked_otherwise() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        for _ in 0..201 {
            create(&member, "custom", json!([])).await;
        }
        for target in ["/items", "/items?per_page=&next_page_after=&template_ids=&order=asc"] {
            let body = member.get(target).await.ok(200);
            assert_eq!(body["items"].as_array().unwrap().len(), 200);
            assert_eq!(body["meta"]["per_page"], 200);
            let cursor = text(&body["next_page_after"]);
            let rest = member.get(&format!("/items?next_page_after={cursor}")).await.ok(200);
            assert_eq!(rest["items"].as_array().unwrap().len(), 1);
            assert_eq!(
                (&rest["next_page_after"], &rest["meta"]["current_cursor"]),
                (&Value::Null, &json!(cursor))
            );
        }
    });
}

#[test]
fn a_bad_page_is_refused_by_the_name_of_what_is_bad() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        for list in ["/items", "/item_templates"] {
            for bad in ["0", "-1", "1001", "1.5", "many", "%20", "99999999999999999999"] {
                member.get(&format!("{list}?per_page={bad}")).await.is_about("per_page");
            }
            member.get(&format!("{list}?next_page_after=no!cursor")).await.is_about("next_page_after");
            member.get(&format!("{list}?per_page=%zz")).await.is_about("query");
        }
        member.get("/items?template_ids=unknown").await.is_about("template_ids");
    });
}

/// A cursor names a place, and shows nobody what lies there: neither another's, nor a made-up one.
#[test]
fn a_cursor_of_somebody_else_shows_nothing_of_theirs() {
    run(async |world| {
        let (owner, other) = (world.member("rsa2048").await, world.member("rsa4096").await);
        for _ in 0..3 {
            create(&owner, "custom", json!([])).await;
            create(&other, "custom", json!([])).await;
        }
        let mine: Vec<String> = walk(&other, "/items?", "items", 10).await.concat();
        let cursor = text(&owner.get("/items?per_page=1").await.ok(200)["next_page_after"]);
        let long = "A".repeat(1_000);
        for cursor in [&*cursor, "AA", "____", &long] {
            let body = other.get(&format!("/items?next_page_after={cursor}")).await.ok(200);
            let seen: Vec<String> =
                body["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect();
            assert!(seen.iter().all(|id| mine.contains(id)), "{cursor}");
        }
    });
}

#[test]
fn items_are_listed_by_template() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let custom = create(&member, "custom", json!([])).await;
        let vehicle = create(&member, "vehicle", json!([])).await;
        let card = create(&member, "bank_card", json!([])).await;
        let template = |body: &Value| text(&body["item"]["item_template_id"]);
        let listed =
            async |query: &str| walk(&member, &format!("/items?{query}&"), "items", 1_000).await.concat();
        let ids = |bodies: &[&Value]| bodies.iter().map(|body| text(&body["item"]["id"])).collect::<Vec<_>>();
        assert_eq!(listed(&format!("template_ids={}", template(&vehicle))).await, ids(&[&vehicle]));
        let two = format!("template_ids={},{}", template(&custom), template(&card));
        assert_eq!(listed(&two).await.len(), 2);
        let two = format!("template_ids%5B%5D={}&template_ids[]={}", template(&custom), template(&card));
        assert_eq!(listed(&two).await.len(), 2);
        assert_eq!(listed("template_ids=00000000-0000-0000-0000-000000000000").await, Vec::<String>::new());
    });
}

#[test]
fn templates_are_the_same_for_everybody_and_come_in_pages_too() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let body = member.get("/item_templates").await.ok(200);
        let templates = body["item_templates"].as_array().unwrap();
        let named: Vec<&str> = templates.iter().map(|template| template["name"].as_str().unwrap()).collect();
        assert_eq!(named, ["custom", "password", "vehicle", "bank_card", "identity", "passport"]);
        let ids: Vec<String> = templates.iter().map(|template| text(&template["id"])).collect();
        for per_page in [1, 4, 6, 7] {
            let pages = walk(&member.old(), "/item_templates?", "item_templates", per_page).await;
            assert_eq!(pages.concat(), ids);
            assert_eq!(pages.len(), 6_usize.div_ceil(per_page));
        }
        for template in templates {
            let body = member.get(&format!("/item_templates/{}", text(&template["id"]))).await.ok(200);
            assert_eq!(body["item_template"], *template);
            let slots: Vec<&Value> =
                body["slots"].as_array().unwrap().iter().map(|slot| &slot["id"]).collect();
            assert_eq!(template["slot_ids"], json!(slots));
        }
        for unknown in ["00000000-0000-0000-0000-000000000000", "custom"] {
            member.get(&format!("/item_templates/{unknown}")).await.is(404, "not_found");
        }
    });
}

#[test]
fn templates_are_found_by_a_part_of_their_label_and_have_no_classification() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let found = async |query: &str| {
            let body = member.get(&format!("/item_templates?{query}")).await.ok(200);
            let names =
                body["item_templates"].as_array().unwrap().iter().map(|template| text(&template["name"]));
            names.collect::<Vec<_>>()
        };
        assert_eq!(found("like=PASS").await, ["password", "passport"]);
        assert_eq!(found("like=bank+card").await, ["bank_card"]);
        assert_eq!(found("like=").await.len(), 6);
        assert_eq!(found("by_classification%5Bscheme%5D=&by_classification[name]=").await.len(), 6);
        assert_eq!(found("by_classification%5Bscheme%5D=esafe").await, Vec::<String>::new());
        assert_eq!(found("by_classification[name]=passwords").await, Vec::<String>::new());
    });
}
