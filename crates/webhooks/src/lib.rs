//! Durable readers of the log that tell other services what happens.
