//! What real replies become, and that no reply breaks a limit or brings something captured to life.
