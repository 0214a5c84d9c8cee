#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "embed/decode.hpp"

namespace catwalk::embed {
namespace {

struct memory {
  std::string_view left;
};

extern "C" {
static int read_from_memory(GifFileType* gif, GifByteType* to, int size) {
  auto& from = *static_cast<memory*>(gif->UserData);
  const auto count = std::min(from.left.size(), static_cast<std::size_t>(size));
  std::memcpy(to, from.left.data(), count);
  from.left.remove_prefix(count);
  return static_cast<int>(count);
}
}  // extern "C"

struct gif_closer {
  void operator()(GifFileType* gif) const noexcept { DGifCloseFile(gif, nullptr); }
};

/// The rows of an interlaced frame in the order in which they are stored (GIF89a, appendix E).
std::vector<int> row_order(int height, bool interlaced) {
  std::vector<int> rows;
  rows.reserve(static_cast<std::size_t>(height));
  struct pass {
    int first, step;
  };
  constexpr std::array passes{pass{0, 8}, pass{4, 8}, pass{2, 4}, pass{1, 2}};
  if (interlaced) {
    for (const auto [first, step] : passes)
      for (int y = first; y < height; y += step) rows.push_back(y);
  } else {
    for (int y = 0; y < height; ++y) rows.push_back(y);
  }
  return rows;
}

class gif_decoder final : public image_decoder {
 public:
  gif_decoder(std::string_view bytes, std::string_view name) : from_{bytes}, name_(name) {}

  result<image_header> read_header() override {
    int code = 0;
    gif_.reset(DGifOpen(&from_, read_from_memory, &code));
    if (!gif_) return broken(code);
    if (auto found = find_frame(); !found) return found.error();
    // A frame that is larger than the screen enlarges it, as in Pillow.
    const auto& frame = gif_->Image;
    width_ = std::max(gif_->SWidth, frame.Left + frame.Width);
    height_ = std::max(gif_->SHeight, frame.Top + frame.Height);
    if (width_ == 0 || height_ == 0)
      return decode_error(errc::broken_image, name_, "GIF: its screen has no pixels");
    image_header header;
    header.format = image_format::gif;
    header.width = width_;
    header.height = height_;
    header.decode_bytes = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3 +
                          static_cast<std::size_t>(frame.Width) +
                          static_cast<std::size_t>(frame.Height) * sizeof(int);
    return header;
  }

  /// The first frame. Where it leaves the screen uncovered Pillow shows the transparent index, else index 0.
  result<void> decode(std::uint8_t* rgb) override {
    const auto& frame = gif_->Image;
    const auto palette = read_palette();
    const auto background = palette[transparent_.value_or(0)];
    const auto pixels = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_);
    for (std::size_t i = 0; i < pixels; ++i) std::copy(background.begin(), background.end(), rgb + i * 3);
    std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
    for (const int y : row_order(frame.Height, frame.Interlace)) {
      if (DGifGetLine(gif_.get(), line.data(), frame.Width) != GIF_OK) return broken(gif_->Error);
      auto* to = rgb + (static_cast<std::size_t>(frame.Top + y) * static_cast<std::size_t>(width_) +
                        static_cast<std::size_t>(frame.Left)) *
                           3;
      for (const auto index : line) to = std::copy(palette[index].begin(), palette[index].end(), to);
    }
    return {};
  }

 private:
  using colour = std::array<std::uint8_t, 3>;

  /// Reads up to the first frame's pixels. What stands before it, its transparent colour apart, is skipped.
  result<void> find_frame() {
    while (true) {
      GifRecordType kind{};
      if (DGifGetRecordType(gif_.get(), &kind) != GIF_OK) return broken(gif_->Error);
      if (kind == IMAGE_DESC_RECORD_TYPE) break;
      if (kind == TERMINATE_RECORD_TYPE)
        return decode_error(errc::broken_image, name_, "GIF: it ends before its first frame");
      if (auto skipped = skip_extension(); !skipped) return skipped;
    }
    if (DGifGetImageDesc(gif_.get()) != GIF_OK) return broken(gif_->Error);
    return {};
  }

  result<void> skip_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(gif_.get(), &code, &block) != GIF_OK) return broken(gif_->Error);
    if (code == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= 4 && (block[1] & 1) != 0)
      transparent_ = block[4];
    while (block)
      if (DGifGetExtensionNext(gif_.get(), &block) != GIF_OK) return broken(gif_->Error);
    return {};
  }

  /// The frame's colours, else the screen's, else shades of grey; an index that has none is black.
  std::array<colour, 256> read_palette() const {
    std::array<colour, 256> palette{};
    const auto* map = gif_->Image.ColorMap ? gif_->Image.ColorMap : gif_->SColorMap;
    for (std::size_t i = 0; i < palette.size(); ++i) {
      if (!map)
        palette[i].fill(static_cast<std::uint8_t>(i));
      else if (i < static_cast<std::size_t>(map->ColorCount))
        palette[i] = {map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue};
    }
    return palette;
  }

  error broken(int code) const {
    if (from_.left.empty())
      return decode_error(errc::broken_image, name_, "GIF: not enough data, the file breaks off");
    const char* words = GifErrorString(code);
    return decode_error(errc::broken_image, name_,
                        std::string("GIF: ") + (words ? words : "it cannot be decoded"));
  }

  memory from_;
  std::string_view name_;
  std::unique_ptr<GifFileType, gif_closer> gif_;
  std::optional<std::uint8_t> transparent_;
  int width_ = 0;
  int height_ = 0;
};

}  // namespace

std::unique_ptr<image_decoder> make_gif_decoder(std::string_view bytes, std::string_view name) {
  return std::make_unique<gif_decoder>(bytes, name);
}

}  // namespace catwalk::embed
