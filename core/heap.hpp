#pragma once

namespace catwalk {

/// Gives what is free in the heap back to the system, whichever thread freed it. Takes milliseconds.
void give_back_freed_memory();

}  // namespace catwalk
