#include "daemon/token.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace catwalk;
using namespace catwalk::daemon;

TEST_CASE("a token is made once, for its owner alone") {
  const testing::temporary_folder state;
  CHECK(load_token({}, state.path()).error().code == errc::not_found);
  const auto made = load_or_make_token({}, state.path());
  REQUIRE(made);
  CHECK(made->reveal().size() == 43);
  struct stat info {};
  REQUIRE(::stat(token_file(state.path()).c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(load_or_make_token({}, state.path())->reveal() == made->reveal());
  CHECK(load_token({}, state.path())->reveal() == made->reveal());
  CHECK(std::distance(std::filesystem::directory_iterator(state.path()), {}) == 1);
}

TEST_CASE("a configured token wins and is written nowhere") {
  const testing::temporary_folder state;
  CHECK(load_or_make_token(config::secret("mine"), state.path())->reveal() == "mine");
  CHECK(std::filesystem::is_empty(state.path()));
}

TEST_CASE("an empty token file is an error that says what to do, never an open door") {
  const testing::temporary_folder state;
  std::ofstream(token_file(state.path())) << "\n";
  const auto read = load_or_make_token({}, state.path());
  REQUIRE_FALSE(read);
  CHECK(read.error().hint.find("delete it") != std::string::npos);
}
