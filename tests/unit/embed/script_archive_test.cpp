#include "embed/script_archive.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/embed/tiny_model.hpp"
#include "tests/unit/embed/zip_samples.hpp"

namespace {

namespace fs = std::filesystem;
using namespace catwalk;
using namespace catwalk::embed;
using namespace catwalk::embed::samples;

fs::path write(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

const std::string weight = tensor(storage("0", 12), 0, integer(4) + integer(3), integer(3) + integer(1));

/// The records of a module with one tensor, as torch.jit.save stores them.
std::vector<zipped> records(const std::string& data = pickle(weight)) {
  return {stored_as_is("m/data/0", std::string(48, '\1')),
          stored_deflated("m/data.pkl", data),
          stored_deflated("m/code/__torch__.py", "class M(Module):\n"),
          stored_deflated("m/code/__torch__.py.debug_pkl", pickle(text("m.py"))),
          stored_as_is("m/constants.pkl", pickle(")")),
          stored_as_is("m/version", "3\n")};
}

std::vector<zipped> with(zipped more) {
  auto all = records();
  all.push_back(std::move(more));
  return all;
}

}  // namespace

TEST_CASE("script archive: what torch.jit.save writes is accepted") {
  const scratch_folder dir;
  const auto accepted = [&](const std::vector<zipped>& all) {
    return check_script_archive(write(dir.path / "m.pt", zip_of(all)));
  };
  CHECK(accepted(records()));
  // Traced modules have the shapes of what they were traced with, and none of its data.
  CHECK(accepted(with(stored_deflated("m/traced_inputs.pkl", pickle(storage("0", 1'000'000))))));
  CHECK(accepted(with(stored_as_is("m/extra/labels.txt", "shirt\n"))));
}

TEST_CASE("script archive: what claims more than it is, is refused by file and entry") {
  const auto claiming = [](zipped entry, std::uint64_t size) {
    entry.size = size;
    return entry;
  };
  const auto at_first = [](const std::string& name) {
    auto entry = stored_as_is(name, "");
    entry.size = entry.stored = 100'000;
    entry.begin = 0;
    return entry;
  };
  auto overlapping = records();
  overlapping.insert(overlapping.begin(), stored_as_is("m/data/large", std::string(100'000, '\1')));
  for (int i = 1; i < 100; ++i) overlapping.push_back(at_first("m/data/" + std::to_string(i)));
  auto damaged = records();
  damaged[1].bytes[3] ^= 0x55;
  struct example {
    std::string name;
    std::vector<zipped> all;
    std::string says;
  };
  const std::vector<example> table{
      {"a pickle of 400 MB", with(claiming(stored_deflated("m/code/m.py.debug_pkl", "N"), 400'000'000)),
       "64 MB is the most"},
      {"a text of 400 MB", with(claiming(stored_deflated("m/code/m.py", "N"), 400'000'000)),
       "64 MB is the most"},
      {"a version of 400 MB", with(claiming(stored_deflated("m/.data/version", "N"), 400'000'000)),
       "64 MB is the most"},
      {"a tensor of 400 MB, deflated", with(claiming(stored_deflated("m/data/1", "N"), 400'000'000)),
       "64 MB is the most"},
      {"two of 16 EB", with([&] {
         auto entry = claiming(stored_deflated("m/code/m.py", "N"), ~0ULL);
         entry.wide = true;
         return entry;
       }()),
       "64 MB is the most"},
      {"the same bytes as 100 tensors", overlapping, "tensors' data are said to have"},
      {"a pickle that does not unpack", damaged, "m/data.pkl: it does not unpack"},
      {"an empty pickle", records(""), "m/data.pkl: it is empty"},
      {"a pickle cut in the middle", records(pickle(weight).substr(0, 40)), "m/data.pkl: "},
      {"a pickled text of 4 GB",
       records("\x80\x02X\xff\xff\xff\xff"
               "abc."),
       "m/data.pkl: a text of 4294967295 bytes"},
      {"a deep pickle", records(pickle(std::string(5'000'000, '('))), "m/data.pkl: its values lie more than"},
      {"a tensor longer than its data", records(pickle(storage("0", 13))), "m/data.pkl: a tensor's data"},
      {"a tensor that is not there", records(pickle(storage("1", 1))),
       "m/data.pkl: it names a tensor's data"},
      {"a bad pickle beside a text", with(stored_deflated("m/code/b.py.debug_pkl", "x")),
       "m/code/b.py.debug_pkl: "},
      {"a pickle in capitals", with(stored_deflated("m/code/b.py.DEBUG_PKL", "x")),
       "m/code/b.py.DEBUG_PKL: "},
      {"pickles that are too much together",
       with(stored_deflated("m/code/b.py.debug_pkl", pickle(std::string(1'999'990, 'N')))),
       "take more memory"},
      {"the form before PyTorch 1.3", with(stored_deflated("m/model.json", "{}")), "before PyTorch 1.3"},
  };
  const scratch_folder dir;
  for (const auto& e : table) {
    CAPTURE(e.name);
    const auto file = write(dir.path / "bad.pt", zip_of(e.all));
    const auto ok = check_script_archive(file);
    REQUIRE_FALSE(ok);
    CHECK(ok.error().code == errc::model_invalid);
    CHECK(ok.error().on == file.string());
    CHECK_FALSE(ok.error().hint.empty());
    CHECK_THAT(ok.error().why, Catch::Contains(e.says));
  }
}

TEST_CASE("script archive: a file that is not there, and one that is no archive") {
  const scratch_folder dir;
  const auto missing = check_script_archive(dir.path / "none.pt");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::model_missing);
  CHECK_FALSE(check_script_archive(write(dir.path / "empty.pt", "")));
  const auto whole = zip_of(records());
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    CAPTURE(size);
    CHECK_FALSE(check_script_archive(write(dir.path / "cut.pt", whole.substr(0, size))));
  }
}
