#pragma once

namespace catwalk {

/// Gives what is free in the heap back to the system, but for what each thread keeps at hand. Takes
/// milliseconds.
void give_back_freed_memory();

}  // namespace catwalk
