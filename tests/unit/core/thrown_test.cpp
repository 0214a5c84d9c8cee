#include "core/thrown.hpp"

#include <new>
#include <stdexcept>

#include "tests/support/catch.hpp"

using namespace catwalk;

namespace {

// As torch 2.13 says them.
const std::runtime_error of_the_allocator(
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
    "allocate 9437184 bytes. Error code 12 (Cannot allocate memory)\n"
    "frame #0: c10::ThrowEnforceNotMet(char const*, int, char const*) + 0x6a (0x7fc7a977d78a in "
    "libc10.so)\n");
const std::runtime_error of_the_interpreter(
    "The following operation failed in the TorchScript interpreter.\n"
    "Traceback of TorchScript (most recent call last):\n"
    "  File \"code/vision.py\", line 12, in forward\n"
    "    return torch.linear(x, w)\n"
    "RuntimeError: mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)\n");

const error told{errc::device, "cannot embed image", "a.jpg", "", "look at it"};

}  // namespace

TEST_CASE("what a library throws is told in one line") {
  CHECK(in_short(std::runtime_error("broken")) == "broken");
  CHECK(in_short(of_the_allocator).ends_with("(Cannot allocate memory)"));
  CHECK(in_short(of_the_interpreter) == "mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)");
}

TEST_CASE("what a library throws becomes the end of an error's cause") {
  auto inside = told;
  inside.why = "the forward pass failed";
  CHECK(with_cause(told, std::runtime_error("broken")).to_string() ==
        "cannot embed image: a.jpg: broken (look at it)");
  CHECK(with_cause(inside, of_the_interpreter).why ==
        "the forward pass failed: mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)");
}

TEST_CASE("where memory ran out an error says so, and what takes less of it") {
  CHECK(ran_out_of_memory(std::bad_alloc()));
  CHECK(ran_out_of_memory(of_the_allocator));
  CHECK_FALSE(ran_out_of_memory(of_the_interpreter));
  CHECK_FALSE(ran_out_of_memory(std::runtime_error("broken")));
  const auto made = with_cause(told, of_the_allocator);
  CHECK(made.code == errc::device);
  CHECK(made.why.starts_with("memory ran out: "));
  CHECK(made.hint.find("embed.batch") != std::string::npos);
}
