//! What is read off a server from outside: processor time, resident memory, disk blocks, and the clock itself.
//!
//! Nothing here knows which server is measured. Believe this: the figures come from the kernel's accounting of the
//! whole process tree, never from the server's own metrics, so all servers are measured alike.

pub(crate) mod clock;
pub(crate) mod disk;
pub(crate) mod processes;
