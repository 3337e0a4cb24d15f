//! The `stepwell-supervise` program: one for each running local step.

fn main() -> std::process::ExitCode {
    stepwell_supervise::main()
}
