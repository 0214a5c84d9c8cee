#include "daemon/demo_shop/picture.hpp"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <random>
#include <vector>

#include "daemon/demo_shop/picture_encoder.hpp"

namespace catwalk::daemon {
namespace {

constexpr int width = 800;
constexpr int height = 1200;

using outline = std::vector<cv::Point2f>;  // in fractions of the picture

/// Outlines of the left half, from the top of the middle to its bottom; the right half mirrors it.
std::vector<outline> left_halves(garment_shape shape) {
  switch (shape) {
    case garment_shape::tee:
      return {{{.5F, .27F},
               {.42F, .24F},
               {.24F, .30F},
               {.15F, .44F},
               {.25F, .48F},
               {.30F, .43F},
               {.30F, .78F},
               {.5F, .78F}}};
    case garment_shape::shirt:
      return {{{.5F, .25F},
               {.43F, .20F},
               {.27F, .27F},
               {.16F, .66F},
               {.25F, .68F},
               {.31F, .43F},
               {.30F, .80F},
               {.5F, .82F}}};
    case garment_shape::sweater:
      return {{{.5F, .26F},
               {.42F, .22F},
               {.25F, .28F},
               {.13F, .70F},
               {.24F, .72F},
               {.29F, .48F},
               {.28F, .76F},
               {.5F, .76F}}};
    case garment_shape::dress:
      return {
          {{.5F, .24F}, {.44F, .17F}, {.38F, .18F}, {.36F, .30F}, {.39F, .42F}, {.22F, .86F}, {.5F, .88F}}};
    case garment_shape::skirt:
      return {{{.5F, .28F}, {.37F, .28F}, {.36F, .33F}, {.22F, .78F}, {.5F, .80F}}};
    case garment_shape::trousers:
      return {
          {{.5F, .16F}, {.35F, .16F}, {.32F, .40F}, {.31F, .90F}, {.44F, .90F}, {.49F, .42F}, {.5F, .42F}}};
    case garment_shape::shorts:
      return {{{.5F, .30F}, {.34F, .30F}, {.27F, .66F}, {.46F, .68F}, {.49F, .50F}, {.5F, .50F}}};
    case garment_shape::coat:
      return {{{.5F, .22F},
               {.43F, .15F},
               {.28F, .21F},
               {.15F, .66F},
               {.25F, .68F},
               {.31F, .40F},
               {.25F, .90F},
               {.5F, .90F}}};
    case garment_shape::bag:
      return {{{.5F, .46F}, {.26F, .46F}, {.22F, .76F}, {.25F, .79F}, {.5F, .79F}},
              {{.5F, .28F}, {.40F, .31F}, {.34F, .46F}, {.37F, .46F}, {.42F, .34F}, {.5F, .31F}}};
    case garment_shape::boot:
      return {{{.46F, .30F}, {.31F, .30F}, {.31F, .66F}, {.14F, .74F}, {.12F, .80F}, {.46F, .80F}}};
  }
  return {};
}

cv::Scalar bgr(const named_colour& c) {
  return {double(c.rgb[2]), double(c.rgb[1]), double(c.rgb[0])};
}

cv::Mat cloth(const garment& g, std::mt19937& random) {
  cv::Mat cloth(height, width, CV_8UC3, bgr(g.colour));
  const int pitch = 40 + static_cast<int>(random() % 24);
  switch (g.pattern) {
    case garment_pattern::plain:
      break;
    case garment_pattern::stripes:
      for (int y = 0; y < height; y += pitch)
        cv::rectangle(cloth, {0, y}, {width, y + pitch / 3}, bgr(g.second), cv::FILLED);
      break;
    case garment_pattern::checks:
      for (int y = 0; y < height; y += pitch)
        cv::rectangle(cloth, {0, y}, {width, y + pitch / 5}, bgr(g.second), cv::FILLED);
      for (int x = 0; x < width; x += pitch)
        cv::rectangle(cloth, {x, 0}, {x + pitch / 5, height}, bgr(g.second), cv::FILLED);
      break;
    case garment_pattern::dots:
      for (int y = 0; y < height; y += pitch)
        for (int x = (y / pitch % 2) * pitch / 2; x < width; x += pitch)
          cv::circle(cloth, {x, y}, pitch / 5, bgr(g.second), cv::FILLED, cv::LINE_AA);
      break;
  }
  return cloth;
}

/// Light from the upper left, and the grain of a photograph.
void light_and_grain(cv::Mat& picture, std::uint32_t seed) {
  cv::Mat noise(height / 4, width / 4, CV_8UC3);
  cv::RNG rng(seed);
  rng.fill(noise, cv::RNG::UNIFORM, 0, 13);
  cv::resize(noise, noise, picture.size(), 0, 0, cv::INTER_LINEAR);
  for (int y = 0; y < picture.rows; ++y) {
    auto* row = picture.ptr<cv::Vec3b>(y);
    const auto* grain = noise.ptr<cv::Vec3b>(y);
    for (int x = 0; x < picture.cols; ++x) {
      const int light = 8 - (x + y) * 24 / (width + height);
      for (int c = 0; c < 3; ++c)
        row[x][c] = cv::saturate_cast<std::uint8_t>(row[x][c] + light + grain[x][c] - 6);
    }
  }
}

}  // namespace

std::string draw_picture(const garment& g) {
  std::mt19937 random(g.seed);
  const auto backdrop = 222 + static_cast<int>(random() % 20);
  cv::Mat picture(height, width, CV_8UC3, cv::Scalar(backdrop, backdrop, backdrop + 4));
  const float size = 0.92F + static_cast<float>(random() % 16) / 100.0F;
  const float shift_x = (static_cast<float>(random() % 60) - 30) / width;
  const float shift_y = (static_cast<float>(random() % 60) - 30) / height;

  cv::Mat mask = cv::Mat::zeros(height, width, CV_8UC1);
  std::vector<std::vector<cv::Point>> contours;
  for (const auto& half : left_halves(g.shape)) {
    for (const int mirrored : {0, 1}) {
      std::vector<cv::Point> points;
      for (const auto& p : half) {
        const float x = mirrored == 1 ? 1 - p.x : p.x;
        points.emplace_back(static_cast<int>((0.5F + (x - 0.5F) * size + shift_x) * width),
                            static_cast<int>((0.5F + (p.y - 0.5F) * size + shift_y) * height));
      }
      contours.push_back(std::move(points));
    }
  }
  for (const auto& contour : contours)
    cv::fillPoly(mask, std::vector<std::vector<cv::Point>>{contour}, 255, cv::LINE_AA);

  cv::Mat shadow;
  cv::resize(mask, shadow, {}, 0.25, 0.25, cv::INTER_AREA);
  cv::GaussianBlur(shadow, shadow, {15, 15}, 0);
  cv::resize(shadow, shadow, mask.size(), 0, 0, cv::INTER_LINEAR);
  for (int y = 12; y < height; ++y)
    for (int x = 12; x < width; ++x) {
      auto& pixel = picture.at<cv::Vec3b>(y, x);
      const int dark = shadow.at<std::uint8_t>(y - 12, x - 12) / 6;
      for (int c = 0; c < 3; ++c) pixel[c] = cv::saturate_cast<std::uint8_t>(pixel[c] - dark);
    }
  cloth(g, random).copyTo(picture, mask > 127);
  for (const auto& contour : contours)
    cv::polylines(picture, std::vector<std::vector<cv::Point>>{contour}, true, bgr(g.colour) * 0.6, 3,
                  cv::LINE_AA);
  light_and_grain(picture, g.seed);
  cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  // Grain does not compress: a PNG of full size would take a megabyte and most of a second.
  if (g.format == picture_format::png) cv::resize(picture, picture, {}, 0.5, 0.5, cv::INTER_AREA);
  return encode_picture(picture.ptr<std::uint8_t>(), picture.cols, picture.rows, g.format);
}

}  // namespace catwalk::daemon
