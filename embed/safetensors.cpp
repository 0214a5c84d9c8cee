#include "embed/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "embed/durable_file.hpp"

namespace catwalk::embed {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors is little-endian, and so is this reader");

constexpr std::size_t max_header = 100'000'000;
constexpr int max_depth = 8;
constexpr std::size_t max_rank = 16;
constexpr std::size_t max_tensors = 1'000'000;

struct type_entry {
  tensor_type type;
  std::string_view name;
  std::size_t size;
};
constexpr std::array types{
    type_entry{tensor_type::f64, "F64", 8}, type_entry{tensor_type::f32, "F32", 4},
    type_entry{tensor_type::f16, "F16", 2}, type_entry{tensor_type::bf16, "BF16", 2},
    type_entry{tensor_type::i64, "I64", 8}, type_entry{tensor_type::i32, "I32", 4},
    type_entry{tensor_type::i16, "I16", 2}, type_entry{tensor_type::i8, "I8", 1},
    type_entry{tensor_type::u8, "U8", 1},   type_entry{tensor_type::boolean, "BOOL", 1},
};

const type_entry& entry_of(tensor_type type) noexcept {
  return *std::find_if(types.begin(), types.end(), [&](const type_entry& e) { return e.type == type; });
}

error invalid(const std::filesystem::path& file, std::string why,
              std::string hint = "the file is damaged or incomplete: fetch it again") {
  return {errc::model_invalid, "cannot read safetensors file", file.string(), std::move(why),
          std::move(hint)};
}

/// Nesting of brackets outside strings, so that a hostile header is refused before anything is built from it.
int depth_of(std::string_view json) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

struct placed {
  std::string name;
  tensor_type type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;
};

result<placed> read_entry(const std::filesystem::path& file, const std::string& name,
                          const nlohmann::json& entry, std::uint64_t data_size) {
  const auto wrong = [&](const std::string& why) { return invalid(file, "tensor \"" + name + "\": " + why); };
  if (!entry.is_object()) return wrong("its entry is not an object");
  const auto type_it = entry.find("dtype"), shape_it = entry.find("shape"),
             at_it = entry.find("data_offsets");
  if (type_it == entry.end() || shape_it == entry.end() || at_it == entry.end())
    return wrong("its entry lacks dtype, shape or data_offsets");
  if (!type_it->is_string()) return wrong("its dtype is not a string");
  const auto type_name = type_it->get<std::string>();
  const auto type =
      std::find_if(types.begin(), types.end(), [&](const type_entry& e) { return e.name == type_name; });
  if (type == types.end())
    return invalid(file, "tensor \"" + name + "\": its dtype " + type_name + " is not one that catwalk reads",
                   "convert the model to F32, F16 or BF16");
  placed out{name, type->type, {}, 0, 0};

  if (!shape_it->is_array() || shape_it->size() > max_rank) return wrong("its shape is not a list of sizes");
  std::uint64_t bytes = type->size;
  for (const auto& size : *shape_it) {
    if (!size.is_number_unsigned())
      return wrong("its shape " + shape_it->dump() + " holds something else than sizes");
    const auto n = size.get<std::uint64_t>();
    if (n > static_cast<std::uint64_t>(INT64_MAX) || __builtin_mul_overflow(bytes, n, &bytes))
      return wrong("its shape " + shape_it->dump() + " is larger than any file");
    out.shape.push_back(static_cast<std::int64_t>(n));
  }

  if (!at_it->is_array() || at_it->size() != 2 || !(*at_it)[0].is_number_unsigned() ||
      !(*at_it)[1].is_number_unsigned())
    return wrong("its data_offsets are not two positions");
  out.begin = (*at_it)[0].get<std::uint64_t>();
  out.end = (*at_it)[1].get<std::uint64_t>();
  const std::string range = "[" + std::to_string(out.begin) + ", " + std::to_string(out.end) + "]";
  if (out.end < out.begin) return wrong("its data_offsets " + range + " run backwards");
  if (out.end > data_size)
    return wrong("its data_offsets " + range + " lie outside the file, which holds " +
                 std::to_string(data_size) + " bytes of data");
  if (out.end - out.begin != bytes)
    return wrong("its data_offsets " + range + " hold " + std::to_string(out.end - out.begin) +
                 " bytes, but " + std::string(type->name) + " of shape " + shape_it->dump() + " takes " +
                 std::to_string(bytes));
  return out;
}

/// In a struct of its own, since a json converts to everything, `result` included.
struct header_json {
  nlohmann::json value;
};

/// The header's JSON, without duplicate names (a plain parser would keep the last one silently).
result<header_json> parse_header(const std::filesystem::path& file, std::string_view text) {
  if (depth_of(text) > max_depth) return invalid(file, "its header is nested too deeply");
  std::optional<std::string> twice;
  std::set<std::string> seen;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (event == nlohmann::json::parse_event_t::key && depth == 1 &&
        !seen.insert(value.get_ref<const std::string&>()).second)
      twice = value.get_ref<const std::string&>();
    return true;
  };
  auto header = nlohmann::json::parse(text, watch, false);
  if (header.is_discarded()) return invalid(file, "its header is not valid JSON");
  if (!header.is_object()) return invalid(file, "its header is not a JSON object");
  if (twice) return invalid(file, "its header names tensor \"" + *twice + "\" twice");
  if (header.size() > max_tensors) return invalid(file, "its header lists too many tensors");
  return header_json{std::move(header)};
}

}  // namespace

std::size_t size_of(tensor_type type) noexcept {
  return entry_of(type).size;
}
std::string_view name_of(tensor_type type) noexcept {
  return entry_of(type).name;
}

result<void> safetensors::add(const std::filesystem::path& file) {
  auto opened = mapped_file::open(file);
  if (!opened) return opened.error();
  const auto mapped = *opened;
  const auto bytes = mapped->bytes();
  if (bytes.size() < 8)
    return invalid(file, "it has " + std::to_string(bytes.size()) + " bytes and no header");
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), 8);
  if (header_size > max_header)
    return invalid(file, "its header claims " + std::to_string(header_size) + " bytes; 100 MB is the most",
                   "check that this is a safetensors file");
  if (header_size > bytes.size() - 8)
    return invalid(file, "its header is cut off: " + std::to_string(header_size) + " bytes announced, " +
                             std::to_string(bytes.size() - 8) + " there");
  const auto rest = bytes.subspan(8 + header_size);
  auto header = parse_header(file, {reinterpret_cast<const char*>(bytes.data()) + 8, header_size});
  if (!header) return header.error();

  std::vector<placed> list;
  for (const auto& [name, entry] : header->value.items()) {
    if (name == "__metadata__") continue;
    auto one = read_entry(file, name, entry, rest.size());
    if (!one) return one.error();
    list.push_back(std::move(*one));
  }
  std::sort(list.begin(), list.end(), [](const placed& a, const placed& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::uint64_t covered = 0;
  for (const auto& t : list) {
    if (t.begin != covered)
      return invalid(file,
                     "tensor \"" + t.name + "\" " +
                         (t.begin < covered ? "overlaps the one before it" : "leaves a hole before it"));
    covered = t.end;
  }
  if (covered != rest.size())
    return invalid(file, std::to_string(rest.size() - covered) + " bytes at its end belong to no tensor");

  for (auto& t : list) {
    tensor_view view{t.type, std::move(t.shape), rest.subspan(t.begin, t.end - t.begin)};
    if (!tensors_.emplace(t.name, std::move(view)).second)
      return invalid(file, "tensor \"" + t.name + "\" stands in another shard too");
  }
  files_.push_back(mapped);
  return {};
}

result<safetensors> safetensors::open_file(const std::filesystem::path& file) {
  safetensors archive;
  archive.path_ = file;
  if (auto added = archive.add(file); !added) return added.error();
  return archive;
}

result<safetensors> safetensors::open_sharded(const std::filesystem::path& index) {
  auto text = mapped_file::open(index);
  if (!text) return text.error();
  const auto bytes = (*text)->bytes();
  if (bytes.size() > max_header) return invalid(index, "the index is larger than 100 MB");
  auto json = parse_header(index, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!json) return json.error();
  const auto map = json->value.find("weight_map");
  if (map == json->value.end() || !map->is_object()) return invalid(index, "it has no weight_map");

  std::set<std::string> shards;
  for (const auto& [name, shard] : map->items()) {
    if (!shard.is_string()) return invalid(index, "tensor \"" + name + "\": its shard is not a file name");
    const auto file = shard.get<std::string>();
    if (file.empty() || file.find('/') != std::string::npos || file == "." || file == "..")
      return invalid(index,
                     "tensor \"" + name + "\": its shard \"" + file + "\" is not a file beside the index");
    shards.insert(file);
  }
  safetensors archive;
  archive.path_ = index;
  for (const auto& shard : shards)
    if (auto added = archive.add(index.parent_path() / shard); !added) return added.error();
  for (const auto& [name, shard] : map->items())
    if (!archive.tensors_.contains(name))
      return invalid(index, "tensor \"" + name + "\" is not in its shard " + shard.get<std::string>());
  return archive;
}

result<void> write_safetensors(const std::filesystem::path& file,
                               const std::map<std::string, tensor_view, std::less<>>& tensors) {
  nlohmann::json header = nlohmann::json::object();
  std::uint64_t at = 0;
  for (const auto& [name, tensor] : tensors) {
    header[name] = {{"dtype", name_of(tensor.type)},
                    {"shape", tensor.shape},
                    {"data_offsets", {at, at + tensor.data.size()}}};
    at += tensor.data.size();
  }
  auto text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t size = text.size();

  std::vector<std::span<const std::byte>> parts;
  parts.push_back(std::as_bytes(std::span(&size, 1)));
  parts.push_back(std::as_bytes(std::span(text)));
  for (const auto& [name, tensor] : tensors) parts.push_back(tensor.data);
  return write_durably(file, parts);
}

}  // namespace catwalk::embed
