# Language level, warnings and sanitizers for every target of ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# The fused image tower asks oneDNN for prepacked linear layers in bf16 and int8, which libtorch's arm64 build lacks.
option(CATWALK_ANY_PROCESSOR "Try to build for a processor that catwalk was never tested on" OFF)
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND NOT CATWALK_ANY_PROCESSOR)
  message(FATAL_ERROR "catwalk is built for x86-64, and this is ${CMAKE_SYSTEM_PROCESSOR}: the image tower uses oneDNN "
          "operators that libtorch has there alone, and its vectors were compared with the references there alone. "
          "CATWALK_ANY_PROCESSOR=ON tries all the same.")
endif()

option(CATWALK_WERROR "Treat warnings as errors" ON)
option(CATWALK_WITH_TORCH "Build embed/ and the executable; without it only what needs no libtorch" ON)
set(CATWALK_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them (address,undefined or thread or fuzzer-no-link)")

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CATWALK_CCACHE ccache)
  if(CATWALK_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CATWALK_CCACHE})
  endif()
endif()

add_library(catwalk_options INTERFACE)
add_library(catwalk::options ALIAS catwalk_options)
target_include_directories(catwalk_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(catwalk_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow)
# g++ 12 reports impossible overlaps inside std::string (GCC bug 105651).
target_compile_options(catwalk_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_compile_definitions(catwalk_options INTERFACE BOOST_ASIO_NO_DEPRECATED CATWALK_VERSION="${PROJECT_VERSION}")
if(CATWALK_WERROR)
  target_compile_options(catwalk_options INTERFACE -Werror)
endif()
if(CATWALK_SANITIZE)
  target_compile_options(catwalk_options INTERFACE -fsanitize=${CATWALK_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(catwalk_options INTERFACE -fsanitize=${CATWALK_SANITIZE})
  # With sanitizers g++ 12 sees uninitialised members inside Catch and takes a coroutine frame's own operator new and
  # delete for a mismatched pair.
  target_compile_options(catwalk_options INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
  if(CATWALK_SANITIZE MATCHES "thread")
    target_compile_options(catwalk_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
endif()

# catwalk_library(NAME SOURCES... [DEPENDS catwalk::x ...] [LINK lib ...]): one library for one folder.
function(catwalk_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(catwalk_${name} STATIC ${ARG_SOURCES})
  add_library(catwalk::${name} ALIAS catwalk_${name})
  target_link_libraries(catwalk_${name} PUBLIC catwalk::options ${ARG_DEPENDS} ${ARG_LINK})
endfunction()
