#include <cstring>
#include <optional>
#include <utility>

#include "embed/unigram_vocabulary.hpp"

/// Protocol buffers' wire format (https://protobuf.dev/programming-guides/encoding/), as far as a vocabulary
/// needs it. SentencePiece's own library is no choice here: it brings another protobuf than the one in
/// libtorch, under the same symbols.
namespace catwalk::embed {
namespace {

constexpr std::size_t most_pieces = 1'000'000;

error invalid(const std::string& on, std::string why,
              std::string hint = "the file is damaged or incomplete: fetch it again") {
  return {errc::model_invalid, "cannot use vocabulary", on, std::move(why), std::move(hint)};
}

/// The fields of one message, in their order.
class wire_reader {
 public:
  explicit wire_reader(std::string_view bytes) : rest_(bytes) {}

  /// False at the end, and where the bytes are no message: then broken().
  bool next() {
    if (rest_.empty() || broken_) return false;
    const auto tag = varint();
    if (!tag) return fail();
    number_ = static_cast<std::uint32_t>(*tag >> 3);
    bytes_ = {};
    value_ = 0;
    switch (*tag & 7) {
      case 0: {
        const auto value = varint();
        if (!value) return fail();
        value_ = *value;
        return true;
      }
      case 1:
        return take(8);
      case 2: {
        const auto size = varint();
        return size ? take(*size) : fail();
      }
      case 5:
        return take(4);
      default:
        return fail();
    }
  }
  bool broken() const noexcept { return broken_; }
  std::uint32_t number() const noexcept { return number_; }
  std::uint64_t value() const noexcept { return value_; }
  std::string_view bytes() const noexcept { return bytes_; }
  /// A fixed32 as a float; 0 where the field is of another kind.
  float number_value() const noexcept {
    float value = 0;
    if (bytes_.size() == sizeof value) std::memcpy(&value, bytes_.data(), sizeof value);
    return value;
  }

 private:
  bool fail() noexcept {
    broken_ = true;
    return false;
  }
  bool take(std::uint64_t size) {
    if (size > rest_.size()) return fail();
    bytes_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view rest_, bytes_;
  std::uint32_t number_ = 0;
  std::uint64_t value_ = 0;
  bool broken_ = false;
};

// Numbers of sentencepiece_model.proto.
enum piece_type : std::uint64_t { normal = 1, unknown = 2, control = 3 };

struct parsed_piece {
  unigram_vocabulary::piece piece;
  std::uint64_t type = normal;
};

std::optional<parsed_piece> read_piece(std::string_view message) {
  parsed_piece one;
  wire_reader fields(message);
  while (fields.next()) {
    if (fields.number() == 1) one.piece.text = fields.bytes();
    if (fields.number() == 2) one.piece.score = fields.number_value();
    if (fields.number() == 3) one.type = fields.value();
  }
  if (fields.broken()) return std::nullopt;
  one.piece.mark = one.type == control;
  return one;
}

/// What the trainer and the normaliser were told, where it is not what SigLIP's were; empty: it is.
std::string foreign_setting(std::string_view trainer, std::string_view normaliser) {
  wire_reader trained(trainer);
  while (trained.next()) {
    if (trained.number() == 3 && trained.value() != 1) return "it is not a unigram model";
    if (trained.number() == 24 && trained.value() != 0) return "it writes blanks behind words";
    if (trained.number() == 35 && trained.value() != 0) return "it falls back to bytes";
  }
  wire_reader normalised(normaliser);
  while (normalised.next()) {
    if (normalised.number() == 3 && normalised.value() != 1) return "it puts no blank before a text";
    if (normalised.number() == 4 && normalised.value() != 1) return "it keeps runs of blanks";
    if (normalised.number() == 5 && normalised.value() != 1) return "it keeps blanks as they are";
  }
  return trained.broken() || normalised.broken() ? "its settings are cut off" : "";
}

}  // namespace

result<unigram_vocabulary> read_sentencepiece_model(std::string_view bytes, const std::string& on) {
  std::vector<unigram_vocabulary::piece> pieces;
  std::optional<std::int32_t> no_piece;
  std::string_view trainer, normaliser;
  wire_reader fields(bytes);
  while (fields.next()) {
    if (fields.number() == 2) trainer = fields.bytes();
    if (fields.number() == 3) normaliser = fields.bytes();
    if (fields.number() != 1) continue;
    auto one = read_piece(fields.bytes());
    const auto number = std::to_string(pieces.size());
    if (!one) return invalid(on, "piece " + number + " is cut off");
    if (one->type == unknown) {
      if (no_piece) return invalid(on, "it has two pieces for what is unknown");
      no_piece = static_cast<std::int32_t>(pieces.size());
    } else if (one->type != normal && one->type != control) {
      return invalid(on, "piece " + number + " is of kind " + std::to_string(one->type),
                     "catwalk reads SigLIP's vocabularies, which have plain pieces and marks alone");
    }
    pieces.push_back(std::move(one->piece));
    if (pieces.size() > most_pieces) return invalid(on, "it has more than a million pieces");
  }
  if (fields.broken() || pieces.empty()) return invalid(on, "it is no SentencePiece model, or is cut off");
  if (const auto foreign = foreign_setting(trainer, normaliser); !foreign.empty())
    return invalid(on, foreign, "catwalk reads vocabularies made as SigLIP's are");
  std::string map;
  wire_reader settings(normaliser);
  while (settings.next())
    if (settings.number() == 2) map = settings.bytes();
  auto characters = character_map::make(std::move(map), on);
  if (!characters) return characters.error();
  return unigram_vocabulary::make(std::move(pieces), no_piece.value_or(-1), std::move(*characters), on);
}

}  // namespace catwalk::embed
