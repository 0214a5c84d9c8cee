#pragma once
#include <cstdlib>
#include <string>

namespace catwalk::tests {

/// Where the towers under test run: CATWALK_TEST_DEVICE, else the CPU.
inline std::string device() {
  const char* name = std::getenv("CATWALK_TEST_DEVICE");
  return name == nullptr ? "cpu" : name;
}

}  // namespace catwalk::tests
