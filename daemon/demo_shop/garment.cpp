#include "daemon/demo_shop/garment.hpp"

#include <algorithm>
#include <cctype>
#include <random>

namespace catwalk::daemon {
namespace {

constexpr std::array colours{
    named_colour{"black", {28, 28, 32}},   named_colour{"white", {244, 242, 236}},
    named_colour{"navy", {28, 40, 82}},    named_colour{"red", {186, 30, 42}},
    named_colour{"green", {38, 104, 62}},  named_colour{"camel", {188, 142, 92}},
    named_colour{"pink", {232, 160, 178}}, named_colour{"yellow", {236, 196, 60}},
    named_colour{"blue", {62, 118, 190}},  named_colour{"grey", {136, 138, 142}},
};
constexpr std::array shapes{"t-shirt",  "shirt",  "sweater", "dress", "skirt",
                            "trousers", "shorts", "coat",    "bag",   "boots"};
constexpr std::array materials{"cotton", "linen", "wool", "satin", "knit"};

std::string adjective(garment_pattern p) {
  switch (p) {
    case garment_pattern::plain:
      return "";
    case garment_pattern::stripes:
      return "striped ";
    case garment_pattern::checks:
      return "checked ";
    case garment_pattern::dots:
      return "dotted ";
  }
  return "";
}

}  // namespace

std::string garment::shape_name() const {
  return shapes[static_cast<std::size_t>(shape)];
}

std::string garment::title() const {
  std::string text =
      adjective(pattern) + colour.name + " " + materials[seed % materials.size()] + " " + shape_name();
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string garment::handle() const {
  std::string text = adjective(pattern) + colour.name + " " + shape_name() + " " + std::to_string(id);
  std::replace(text.begin(), text.end(), ' ', '-');
  return text;
}

std::string garment::picture_path() const {
  const char* ending = format == picture_format::jpeg  ? ".jpg"
                       : format == picture_format::png ? ".png"
                                                       : ".webp";
  return "/photos/" + std::to_string(id) + "-e1" + ending;
}

std::vector<garment> make_garments(int count, std::uint32_t seed) {
  // The engine's numbers are fixed by the standard; its distributions are not, so they stay out.
  std::mt19937 random(seed);
  const auto pick = [&random](std::uint32_t n) { return random() % n; };
  std::vector<garment> all;
  all.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    garment g;
    g.id = 1000 + i;
    g.shape = static_cast<garment_shape>(pick(shapes.size()));
    g.pattern = static_cast<garment_pattern>(std::min<std::uint32_t>(3, pick(6)));
    if (pick(2) == 0) g.pattern = garment_pattern::plain;
    const auto first = pick(colours.size());
    g.colour = colours[first];
    g.second = colours[(first + 1 + pick(colours.size() - 1)) % colours.size()];
    g.price_minor = 1290 + static_cast<int>(pick(300)) * 50;
    g.women = pick(2) == 0;
    g.format = i % 10 == 7 ? picture_format::png : i % 10 == 3 ? picture_format::webp : picture_format::jpeg;
    g.seed = random();
    all.push_back(g);
  }
  return all;
}

}  // namespace catwalk::daemon
