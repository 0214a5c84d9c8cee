# libtorch as the imported target `torch`, from the folder of PyTorch's wheel (or of a libtorch archive).
#
# Not by the package's own TorchConfig.cmake: for a CUDA build that one wants the whole CUDA toolkit installed, of which
# nothing is needed here, since catwalk compiles no device code and the wheel brings the libraries that run it.
#
# Sets CATWALK_TORCH_LIBRARY_DIR, where its shared libraries are, and CATWALK_TORCH_CUDA.
find_path(CATWALK_TORCH_ROOT include/torch/script.h DOC "The folder that holds libtorch's include/ and lib/")
if(NOT CATWALK_TORCH_ROOT)
  message(FATAL_ERROR "libtorch was not found: run scripts/setup, or set CATWALK_TORCH_ROOT")
endif()

file(STRINGS ${CATWALK_TORCH_ROOT}/include/torch/headeronly/version.h version_lines REGEX "define TORCH_VERSION_M")
string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" CATWALK_TORCH_VERSION "${version_lines}")
if(NOT CATWALK_TORCH_VERSION VERSION_EQUAL 2.13)
  message(FATAL_ERROR "catwalk is built against libtorch 2.13, and ${CATWALK_TORCH_ROOT} holds ${CATWALK_TORCH_VERSION}")
endif()

set(CATWALK_TORCH_LIBRARY_DIR ${CATWALK_TORCH_ROOT}/lib)
add_library(torch INTERFACE IMPORTED)
target_include_directories(torch SYSTEM INTERFACE
  ${CATWALK_TORCH_ROOT}/include ${CATWALK_TORCH_ROOT}/include/torch/csrc/api/include)
target_link_libraries(torch INTERFACE ${CATWALK_TORCH_LIBRARY_DIR}/libtorch_cpu.so ${CATWALK_TORCH_LIBRARY_DIR}/libc10.so)

# A CUDA build's operators register themselves when their library is loaded, though nothing here names a symbol of it. Its
# own dependencies lie in other wheels, where it finds them by itself when it runs.
set(CATWALK_TORCH_CUDA OFF)
if(EXISTS ${CATWALK_TORCH_LIBRARY_DIR}/libtorch_cuda.so)
  set(CATWALK_TORCH_CUDA ON)
  target_link_libraries(torch INTERFACE
    -Wl,--no-as-needed,${CATWALK_TORCH_LIBRARY_DIR}/libtorch_cuda.so,${CATWALK_TORCH_LIBRARY_DIR}/libc10_cuda.so,--as-needed)
  target_link_options(torch INTERFACE -Wl,--allow-shlib-undefined)
endif()
