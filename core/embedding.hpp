#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace catwalk {

/// How a vector came about. Kept with it; never makes it stale.
struct provenance {
  std::string precision;   ///< fp32 | bf16 | int8 | fp16; empty for a remote encoder
  std::string decode;      ///< exact | fast
  std::string device;      ///< cpu | cuda:N | remote
  bool untrained = false;  ///< from a model with seeded, untrained weights: for trying out alone
};

/// One vector and the model that made it.
struct embedding {
  std::vector<float> values;  ///< [dim]; L2-normalised where the model's description says so
  std::string fingerprint;    ///< SHA-256 of the tower, `remote:URL#MODEL`, or `adopted`
  std::string model;          ///< the model's name, "untrained" where it is
  provenance made;
};

}  // namespace catwalk
