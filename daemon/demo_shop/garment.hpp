#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace catwalk::daemon {

enum class garment_shape { tee, shirt, sweater, dress, skirt, trousers, shorts, coat, bag, boot };
enum class garment_pattern { plain, stripes, checks, dots };
/// How its picture is encoded.
enum class picture_format { jpeg, png, webp };

struct named_colour {
  const char* name;
  std::array<std::uint8_t, 3> rgb;
};

/// One invented product. Neighbours in shape, colour and pattern look alike, which is what a search should
/// find.
struct garment {
  int id = 0;
  garment_shape shape{};
  garment_pattern pattern{};
  named_colour colour{};
  named_colour second{};  ///< of the pattern
  int price_minor = 0;    ///< cents
  bool women = false;
  picture_format format{};
  std::uint32_t seed = 0;  ///< of the small differences between pictures

  std::string shape_name() const;
  std::string title() const;         ///< "STRIPED COTTON DRESS"
  std::string handle() const;        ///< "striped-cotton-dress-1007"
  std::string picture_path() const;  ///< "/photos/1007.jpg"
};

/// `count` garments, the same for a seed on every machine.
std::vector<garment> make_garments(int count, std::uint32_t seed);

}  // namespace catwalk::daemon
