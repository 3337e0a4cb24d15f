//! The supervisor, built for the tests of this crate.

fn main() -> std::process::ExitCode {
    stepwell_supervise::main()
}
