//! Vendors' wire protocols as their clients meet them: a whole router with everything mounted, over engines that share
//! a store. The rules of a dialect, row by row, are tested beside its code.

mod keyknox;
mod meeco;
mod psono;
mod sessions;
mod support;
