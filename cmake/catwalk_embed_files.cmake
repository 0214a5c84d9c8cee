# catwalk_embed_files(OUTPUT FILES...): writes OUTPUT, a C++ source that defines catwalk::daemon::embedded_files() with the
# bytes of every file, named by its path below daemon/ ("web/index.html"). The assembler reads the files, so that
# nothing has to be converted, and OUTPUT is compiled again when one of them changes.
function(catwalk_embed_files output)
  set(assembly "")
  set(declarations "")
  set(entries "")
  set(number 0)
  foreach(file ${ARGN})
    file(RELATIVE_PATH name ${CMAKE_CURRENT_SOURCE_DIR} ${file})
    set(symbol "catwalk_embedded_${number}")
    string(APPEND assembly
      "    \".balign 16\\n${symbol}:\\n.incbin \\\"${file}\\\"\\n${symbol}_end:\\n.byte 0\\n\"\n")
    string(APPEND declarations "extern const char ${symbol}[], ${symbol}_end[];\n")
    string(APPEND entries "      {\"${name}\", {${symbol}, static_cast<std::size_t>(${symbol}_end - ${symbol})}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT [[
#include "daemon/embedded_files.hpp"

#include <vector>

asm(".section .rodata\n"
@assembly@    ".previous\n");

extern "C" {
@declarations@}

namespace catwalk::daemon {

std::span<const embedded_file> embedded_files() {
  static const std::vector<embedded_file> files{
@entries@  };
  return files;
}

}  // namespace catwalk::daemon
]])
  set_source_files_properties(${output} PROPERTIES OBJECT_DEPENDS "${ARGN}" SKIP_PRECOMPILE_HEADERS ON)
endfunction()
