"""What runs in the workers of a parallel step: `python -m stepwell._parallel`.

A worker connects to the step's driver, imports the entry script, calls `init` once, and then
`run` for each mini-batch it is sent. The protocol is described in
`crates/parallel/src/protocol.rs`; `docs/parallel.md` says what a script can rely on. Nothing here
needs pandas unless the input is a table or `run` returns a data frame.
"""
