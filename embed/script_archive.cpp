#include "embed/script_archive.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/letter_case.hpp"
#include "embed/mapped_file.hpp"
#include "embed/pickle_walk.hpp"
#include "embed/zip_archive.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

/// A vision tower of 32 layers, traced, with the records for its debugger: 2 MB, and 10 MB of objects.
constexpr std::uint64_t most_unpacked = 64'000'000, most_objects = 64'000'000;

error invalid(const fs::path& on, std::string why) {
  return {errc::model_invalid, "cannot use TorchScript archive", on.string(), std::move(why),
          "fetch it again, or save it again with torch.jit.save"};
}

/// Within the archive's folder, as torch looks it up: whatever the case of its letters.
std::string record_name(const zip_entry& entry) {
  return config::lower_case(std::string_view(entry.name).substr(entry.name.find('/') + 1));
}

/// A tensor's data, or what nothing here reads (traced_inputs/, extra/), stored as it is.
bool is_data(const zip_entry& entry) {
  const auto name = record_name(entry);
  return !entry.deflated && name.find('/') != std::string::npos && !name.starts_with("code/") &&
         !name.starts_with(".data/");
}

/// One that torch reads. traced_inputs.pkl is of tensors that the archive does not hold.
bool is_pickle(const zip_entry& entry) {
  const auto name = record_name(entry);
  return name == "data.pkl" || name == "constants.pkl" || name.ends_with(".debug_pkl");
}

struct claimed_sizes {
  std::uint64_t data = 0;  ///< that of `is_data`
  std::uint64_t others = 0;
};

/// Numbers beyond what a file can have stay the largest number.
claimed_sizes add_up(const zip_archive& archive) {
  claimed_sizes claimed;
  for (const auto& entry : archive.entries()) {
    auto& sum = is_data(entry) ? claimed.data : claimed.others;
    if (__builtin_add_overflow(sum, entry.size, &sum)) sum = UINT64_MAX;
  }
  return claimed;
}

/// What is wrong with one pickle, in words; empty: nothing.
std::string look_through(const zip_archive& archive, const zip_entry& pickle, unpickling_allowance& left) {
  // Of X/data.pkl the tensors are X/data/KEY.
  const auto folder = pickle.name.substr(0, pickle.name.size() - ".pkl"sv.size()) + "/";
  const auto size_of = [&](std::string_view key) -> std::optional<std::uint64_t> {
    const auto* tensor = archive.find(folder + std::string(key));
    return tensor == nullptr ? std::nullopt : std::optional(tensor->size);
  };
  if (!pickle.deflated) return walk_pickle(pickle.bytes, size_of, left);
  const auto bytes = unpacked(pickle);
  return bytes ? walk_pickle(*bytes, size_of, left) : "it does not unpack to what the directory says";
}

}  // namespace

result<void> check_script_archive(const fs::path& file) {
  const auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  const std::string_view bytes(reinterpret_cast<const char*>((*mapped)->bytes().data()),
                               (*mapped)->bytes().size());
  const auto archive = zip_archive::read(bytes, file.string());
  if (!archive) return archive.error();
  const auto claimed = add_up(*archive);
  if (claimed.others > most_unpacked)
    return invalid(file, "what it has beside its tensors' data unpacks to " + std::to_string(claimed.others) +
                             " bytes; 64 MB is the most");
  if (claimed.data > bytes.size())
    return invalid(file, "its tensors' data are said to have " + std::to_string(claimed.data) +
                             " bytes, and the file has " + std::to_string(bytes.size()));
  // Tensors that share their numbers may read them each.
  unpickling_allowance left{most_objects, 2 * (claimed.data + claimed.others)};
  for (const auto& entry : archive->entries()) {
    if (record_name(entry) == "model.json")
      return invalid(file, "it is of the form before PyTorch 1.3, which catwalk does not read");
    if (!is_pickle(entry)) continue;
    if (const auto problem = look_through(*archive, entry, left); !problem.empty())
      return invalid(file, entry.name + ": " + problem);
  }
  return {};
}

}  // namespace catwalk::embed
