//! See `cli`.

fn main() -> std::process::ExitCode {
    bessemer::cli::main()
}
