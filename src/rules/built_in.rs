//! The rules that are compiled into the binary (by `build.rs`, from `responses/`).

include!(concat!(env!("OUT_DIR"), "/built_in_rules.rs"));
