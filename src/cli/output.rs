//! Writing to people and to pipes.

use std::io::{self, BufWriter, Write};

/// Standard output, which strips colours where they are not wanted (`NO_COLOR`, pipes).
pub(super) fn stdout() -> BufWriter<anstream::AutoStream<io::StdoutLock<'static>>> {
    BufWriter::new(anstream::AutoStream::auto(io::stdout().lock()))
}

/// Tells an error on standard error.
pub(super) fn error(error: &anyhow::Error) {
    // Nobody is left to tell when standard error is closed, too.
    let _ = writeln!(anstream::AutoStream::auto(io::stderr().lock()), "oktriage: {error:#}");
}

/// Whether writing failed only because the reader has seen enough (`oktriage … | head`).
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(io::ErrorKind::BrokenPipe)
    })
}
