//! Folders given to the builder: indexed and made the two corpus tools.
