#pragma once
// Lets CHECK and REQUIRE take a catwalk::result and print its error. Include before the first such assertion.
#include <string>

#include "core/error.hpp"
#include "tests/support/catch.hpp"

template <class T>
struct Catch::StringMaker<boost::system::result<T, catwalk::error>> {
  static std::string convert(const boost::system::result<T, catwalk::error>& outcome) {
    return outcome ? std::string("a value") : outcome.error().to_string();
  }
};
