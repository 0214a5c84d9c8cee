#pragma once

namespace catwalk {

/// Has the heap keep what is freed for the next page or picture, up to 16 MB in each of its parts, instead of
/// giving it back to the system and asking for it again each time.
void keep_freed_memory();

/// Gives what is free back to the system, from every thread's part of the heap. Takes milliseconds.
void give_back_freed_memory();

}  // namespace catwalk
