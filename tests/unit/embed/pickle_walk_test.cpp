#include "embed/pickle_walk.hpp"

#include <vector>

#include "tests/support/catch.hpp"
#include "tests/unit/embed/pickle_samples.hpp"

namespace {

using namespace catwalk::embed;
using namespace catwalk::embed::samples;

constexpr std::uint64_t memory = 64'000'000;

/// With one record of tensor data, "0" of 48 bytes, which may be read twice.
std::string problem(const std::string& bytes) {
  const auto size_of = [](std::string_view key) {
    return key == "0" ? std::optional<std::uint64_t>(48) : std::nullopt;
  };
  unpickling_allowance left{memory, 96};
  return walk_pickle(bytes, size_of, left);
}

struct example {
  std::string name, opcodes, says;
};

void check_refused(const std::vector<example>& table) {
  for (const auto& e : table) {
    CAPTURE(e.name);
    CHECK_THAT(problem(pickle(e.opcodes)), Catch::Contains(e.says));
  }
}

/// What torch.jit.save writes of a module with a tensor, typed lists and dicts, and a module within it.
std::string module_pickle() {
  const auto typed = function("torch.jit._pickle", "restore_type_tag") + "}(" + text("a") + "K\x01" + "u" +
                     text("Dict[str, int]") + "\x86R";
  const auto integers =
      function("torch.jit._pickle", "build_intlist") + "(](K\x01M\x02\x02J\x03\x03\x03\x03" + "etR";
  const auto inner = function("__torch__", "Inner") + "q\x05)\x81}(" + text("weight") +
                     tensor(storage("0", 12), 0, integer(4) + integer(3), integer(3) + integer(1)) + "ub";
  return pickle(function("__torch__", "Outer") + "q" + std::string(1, '\0') + ")\x81}(" + text("training") +
                "q\x01\x88" + text("rate") + "G12345678" + text("typed") + typed + "r" + number(300, 4) +
                text("integers") + integers + text("inner") + inner + text("none") + "N" + text("again") +
                "j" + number(300, 4) + text("nothing") + "h\x05" + "ub");
}

}  // namespace

TEST_CASE("pickle walk: a module's pickle is accepted, and refused where it is cut") {
  const auto whole = module_pickle();
  CHECK(problem(whole).empty());
  CHECK(problem(pickle(")")).empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(problem(whole.substr(0, size)).empty());
  }
}

TEST_CASE("pickle walk: what is no pickle of torch's is refused") {
  CHECK_THAT(problem(""), Catch::Contains("it is empty"));
  CHECK_THAT(problem("\x80"), Catch::Contains("a protocol of 2 bytes, where 1 are left"));
  CHECK_THAT(problem("\x80\x04N."), Catch::Contains("no pickle of protocol 2"));
  check_refused({
      {"an opcode of protocol 4", "\x94", "the opcode 148"},
      {"an opcode of text", "I1\n", "the opcode 73"},
      {"a value missing", "\x85", "a value is missing"},
      {"a value beyond the mark", "N(\x85", "a value is missing"},
      {"a mark missing", "Nt", "a mark is missing"},
      {"a list missing", "(e", "a list or dict is missing"},
      {"a list below another mark", "]((e", "a list or dict is missing"},
      {"a dict that is a list", "](NNu", "what takes none"},
      {"the memo of nothing", "q\x01", "a value is missing"},
      {"no such place in the memo", "Nq\x01h\x02", "the memo has no place 2"},
      {"a call of a number", "K\x01)R", "no function"},
      {"a call of a type", function("torch", "FloatStorage") + ")R", "no function"},
      {"a sparse tensor", function("torch._utils", "_rebuild_sparse_tensor"), "_rebuild_sparse_tensor"},
  });
}

TEST_CASE("pickle walk: lengths are not believed") {
  check_refused({
      {"a text of 4 GB", "X" + number(0xffffffff, 4) + "abc", "a text of 4294967295 bytes, where 4 are left"},
      {"a text of 16 EB", "\x8d" + number(~0ULL, 8) + "abc", "a text of 18446744073709551615 bytes"},
      {"a text of one byte more", "X" + number(5, 4) + "abc", "a text of 5 bytes, where 4 are left"},
      {"a long number of 255 bytes", "\x8a\xff", "does not have 8 bytes"},
      {"a long number cut", "\x8a\x08" + number(1, 6), "of 8 bytes, where 7 are left"},
      {"a number cut", std::string("J\0\0", 3), "of 4 bytes, where 3 are left"},
      {"a fraction cut", "G1234", "a fraction of 8 bytes, where 5 are left"},
      {"a function's name without an end", "c__torch__", "name does not end"},
      {"a function's name of 5 kB", function(std::string(5000, 'a'), "b"), "name does not end"},
      {"a type's name of 5 kB",
       function("torch.jit._pickle", "restore_type_tag") + tuple("]" + text(repeated("List[", 1000))) + "R",
       "names a type in another way"},
  });
}

TEST_CASE("pickle walk: the memory that its values take is counted") {
  check_refused({
      {"a place in the memo of 2^32 - 1", "Nr" + number(0xffffffff, 4), "take more memory"},
      {"a million lists", std::string(1'000'000, ']'), "take more memory"},
      {"200,000 dicts", std::string(200'000, '}'), "take more memory"},
      {"three million nothings", std::string(3'000'000, 'N'), "take more memory"},
      {"a million references to a text", text("a") + "q\x01" + repeated("h\x01", 3'000'000),
       "take more memory"},
      {"a dict of 300,000 keys", "}(" + repeated("J1234N", 300'000) + "u", "take more memory"},
  });
  unpickling_allowance left{memory, 0};
  const auto none = [](std::string_view) { return std::optional<std::uint64_t>(); };
  REQUIRE(walk_pickle(pickle(std::string(1'000'000, 'N')), none, left).empty());
  CHECK(left.memory == memory - 32'000'000);
  REQUIRE(walk_pickle(pickle(std::string(900'000, 'N')), none, left).empty());
  CHECK_FALSE(walk_pickle(pickle(std::string(900'000, 'N')), none, left).empty());
}

TEST_CASE("pickle walk: what lies within each other is not too deep") {
  const auto deep = "1,000 deep within each other";
  CHECK(problem(pickle(")" + std::string(999, '\x85'))).empty());
  check_refused({
      {"tuples", ")" + std::string(1000, '\x85'), deep},
      {"lists", std::string(1001, ']') + std::string(1000, 'a'), deep},
      {"marks alone", std::string(5'000'000, '('), deep},
      {"dicts by the memo", "}q\x01" + repeated("}Nh\x01sq\x01", 1000), deep},
      {"lists that are filled from outside to inside",
       "]q\x01]q\x02"
       "aq\x03h\x02]a",
       "what takes none"},
      {"a list in itself",
       "]q\x01h\x01"
       "a",
       "lies within itself"},
      {"pairs of pairs of pairs", "N" + repeated("q\x01h\x01\x86", 40), "1,000,000 values"},
  });
}

TEST_CASE("pickle walk: a tensor's data are as long as they are said to be") {
  CHECK(problem(pickle(storage("0", 12))).empty());
  CHECK(problem(pickle(storage("0", 24, "HalfStorage"))).empty());
  CHECK(problem(pickle(storage("1", 0))).empty());
  check_refused({
      {"one more", storage("0", 13), "13 elements of 4 bytes, and are 48 bytes"},
      {"of a wider type", storage("0", 12, "LongStorage"), "12 elements of 8 bytes"},
      {"as many as there are bytes in no memory", storage("0", INT64_MAX), "elements of 4 bytes"},
      {"fewer than none", storage("0", -1), "another way than torch"},
      {"of no known type", storage("0", 12, "StringStorage"), "a type that catwalk does not know"},
      {"not there", storage("1", 12), "data that is not there"},
      {"three times over", repeated(storage("0", 12), 3), "again and again"},
      {"without a size", tuple(text("storage") + function("torch", "FloatStorage") + text("0")) + "Q",
       "another way"},
      {"by a number", "K\x01Q", "another way"},
  });
}

TEST_CASE("pickle walk: a tensor lies within its data") {
  const auto of = [](std::int64_t offset, const std::string& sizes, const std::string& strides) {
    return tensor(storage("0", 12), offset, sizes, strides);
  };
  CHECK(problem(pickle(of(0, integer(4) + integer(3), integer(3) + integer(1)))).empty());
  CHECK(problem(pickle(of(11, "", ""))).empty());
  CHECK(problem(pickle(of(500, integer(0) + integer(9), integer(9) + integer(1)))).empty());
  CHECK(problem(pickle(of(0, integer(1000) + integer(12), integer(0) + integer(1)))).empty());
  check_refused({
      {"one more", of(0, integer(13), integer(1)), "beyond its data"},
      {"one further", of(1, integer(12), integer(1)), "beyond its data"},
      {"with a gap", of(0, integer(12), integer(2)), "beyond its data"},
      {"from behind", of(0, integer(2), integer(-1)), "beyond its data"},
      {"from before", of(-1, integer(2), integer(1)), "beyond its data"},
      {"more than any number", of(0, integer(INT64_MAX) + integer(INT64_MAX), integer(1) + integer(1)),
       "beyond its data"},
      {"further than any number", of(0, integer(3) + integer(3), integer(INT64_MAX) + integer(INT64_MAX)),
       "beyond its data"},
      {"sizes without strides", of(0, integer(3), ""), "beyond its data"},
      {"a size that is none", of(0, text("3"), integer(1)), "beyond its data"},
      {"its elements again and again", of(0, integer(65535) + integer(32767), integer(0) + integer(0)),
       "said to be 2147385345 elements"},
      {"of a number", tensor("K\x01", 0, "", ""), "another way than torch"},
      {"of nothing", function("torch._utils", "_rebuild_tensor_v2") + ")R", "another way than torch"},
  });
}
