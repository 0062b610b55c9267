//! The templates that items are made from: a table in the program, the same for everybody. Their ids, and those of
//! their slots, never change; clients keep them.

use strongroom_primitives::{
    id::{SlotId, TemplateId},
    time::Timestamp,
};

use super::{Slot, SlotType};

/// A template.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    /// Which.
    pub id: TemplateId,
    /// What programs know it by.
    pub name: &'static str,
    /// What people know it by.
    pub label: &'static str,
    /// The slots that an item of it begins with, in their order.
    pub slots: &'static [TemplateSlot],
}

/// A slot of a template.
#[derive(Debug, PartialEq, Eq)]
pub struct TemplateSlot {
    /// Which.
    pub id: SlotId,
    /// What programs know it by.
    pub name: &'static str,
    /// What people know it by.
    pub label: &'static str,
    /// What its value is.
    pub kind: SlotType,
    /// Whether people are asked to fill it.
    pub required: bool,
}

impl Template {
    const fn new(id: u128, name: &'static str, label: &'static str, slots: &'static [TemplateSlot]) -> Self {
        Self { id: TemplateId::from_bytes(id.to_be_bytes()), name, label, slots }
    }

    /// The template with this id.
    pub fn of(id: TemplateId) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.id == id)
    }

    /// The template with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// Its slots, empty, by their ids in the template.
    pub(super) fn clone_slots(&self, now: Timestamp) -> Vec<Slot> {
        self.slots
            .iter()
            .zip(0..)
            .map(|(slot, ordinal)| Slot {
                id: slot.id,
                name: slot.name.to_owned(),
                label: slot.label.to_owned(),
                kind: slot.kind,
                value: None,
                ordinal,
                visible: true,
                required: slot.required,
                created: now,
                updated: now,
            })
            .collect()
    }
}

const fn slot(id: u128, name: &'static str, label: &'static str, kind: SlotType) -> TemplateSlot {
    TemplateSlot { id: SlotId::from_bytes(id.to_be_bytes()), name, label, kind, required: false }
}

const fn required(slot: TemplateSlot) -> TemplateSlot {
    TemplateSlot { required: true, ..slot }
}

/// All templates, in the order in which they are shown.
pub fn templates() -> &'static [Template] {
    TEMPLATES
}

use SlotType::{Date, Email, Image, KeyValue, Password, PhoneNumber, Url};

static TEMPLATES: &[Template] = &[
    Template::new(0xdfbb_9b6f_bb53_41cf_b7df_86a0_b616_5abd, "custom", "Custom", &[]),
    Template::new(
        0xa632_673f_755f_4b02_9ac3_cbff_4b8c_4525,
        "password",
        "Password",
        &[
            slot(0xb21d_84f2_0d86_4702_b4f8_f54c_58d2_39dd, "website", "Website", Url),
            slot(0x93d5_e60e_0a80_4477_9769_f071_2df6_0677, "username", "Username", KeyValue),
            required(slot(0x5489_611b_c8cb_4806_a084_7a15_e8ac_8f90, "password", "Password", Password)),
            slot(0xe5ec_e302_e258_4952_8a8f_a2bb_7cad_13f4, "notes", "Notes", KeyValue),
        ],
    ),
    Template::new(
        0x39ab_64d9_7a68_4cb8_95dc_eb24_6fef_7b4a,
        "vehicle",
        "Vehicle",
        &[
            slot(0x3729_d6d8_539e_4219_80a1_d17b_04e4_64a0, "make_or_model", "Make or model", KeyValue),
            slot(0x0aa0_6f9d_82fd_4a8b_a030_5be3_2b08_026e, "model_name", "Model name", KeyValue),
            slot(0xc42d_592d_85df_4c34_aa7f_1cf9_043d_4cc5, "licence_plate", "Licence plate", KeyValue),
            slot(0x75d9_8fa8_4ee5_41bf_bcf8_8f03_5b3b_edb3, "vin", "VIN", KeyValue),
            slot(0x871a_e9c5_f642_4679_a007_39e1_c1ca_76e3, "purchase_date", "Purchase date", Date),
            slot(0x0b19_43e1_db49_40a1_9816_0a43_e761_ecb0, "image", "Image", Image),
        ],
    ),
    Template::new(
        0x9809_8e01_3908_4aad_a7cf_cc71_698e_6580,
        "bank_card",
        "Bank card",
        &[
            slot(0xa1f5_c923_e698_4816_87bf_5e4b_56fb_81e5, "cardholder", "Cardholder", KeyValue),
            required(slot(0x6b35_ae49_7ab3_4c1b_9f9d_56a0_34fd_f376, "number", "Number", KeyValue)),
            slot(0x5fe1_bbb5_5a1d_4ad2_b71f_3823_96f2_9371, "expires", "Expires", Date),
            slot(0xa2dc_d92a_0553_4f55_bf30_e009_0898_e6d7, "security_code", "Security code", Password),
            slot(0x4fb1_5c08_d3d9_458a_99cd_6887_5540_2abe, "pin", "PIN", Password),
        ],
    ),
    Template::new(
        0x573b_04e2_2af5_496b_a8d4_4727_a232_e2ff,
        "identity",
        "Identity",
        &[
            required(slot(0x0faf_f752_0566_4cff_9f55_95f5_4a0f_eb1d, "full_name", "Full name", KeyValue)),
            slot(0x0451_517e_fc66_414f_b453_663a_c743_6ac2, "date_of_birth", "Date of birth", Date),
            slot(0xa519_3dac_721a_47b2_bd65_51e8_7023_1161, "email", "Email", Email),
            slot(0x32dd_abd7_2d27_42d8_8fb5_442b_b7ec_ca8d, "phone_number", "Phone number", PhoneNumber),
            slot(0x7046_897b_aa67_498e_9eba_a733_038f_0385, "address", "Address", KeyValue),
        ],
    ),
    Template::new(
        0x45e3_ba4d_bcbe_41a1_861e_8d15_affa_ad43,
        "passport",
        "Passport",
        &[
            required(slot(0xb142_2580_e5b1_407a_819f_39a5_b5a6_ec01, "number", "Number", KeyValue)),
            slot(0x79af_2431_ff80_4f4d_be8a_8ce5_8b79_000e, "country", "Country", KeyValue),
            slot(0xa1dc_c403_8af0_4a07_8e90_d81b_8f23_334a, "issued", "Issued", Date),
            slot(0xab42_14b8_2ba0_4bdd_bad0_adf2_b474_c4c3, "expires", "Expires", Date),
            slot(0x0e00_6f96_c78b_459e_9738_833a_5449_c535, "image", "Image", Image),
        ],
    ),
];
