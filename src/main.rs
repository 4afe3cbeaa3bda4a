//! The `oktriage` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    oktriage::cli::run()
}
