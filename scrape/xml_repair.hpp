#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace catwalk::scrape {

/// Makes what shops call XML acceptable to an XML parser, piece by piece: bare ampersands and HTML's named
/// references (`&eacute;`), control characters, bytes that are no UTF-8 (unless the declaration names another
/// encoding), and blanks or a byte order mark before the declaration. What is well-formed stays as it is;
/// UTF-16 passes untouched.
class xml_repair {
 public:
  /// The repaired text of what has come, as far as it can be judged; `last`: nothing more comes.
  std::string push(std::string_view piece, bool last);

 private:
  enum class encoding { unknown, utf8, other_bytes, utf16 };
  void find_encoding();
  std::size_t copy_reference(std::string& out, std::size_t at, bool last) const;

  std::string pending_;
  encoding encoding_ = encoding::unknown;
  bool in_cdata_ = false;
};

}  // namespace catwalk::scrape
