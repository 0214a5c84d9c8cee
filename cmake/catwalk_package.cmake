# What `cmake --install` and CPack put where: scripts/package makes a .deb and a plain tarball of it. libtorch lies under
# a folder of its own, so that it meets no other one.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # what is installed was built by name, the tests need not be

install(TARGETS catwalk RUNTIME DESTINATION bin)
set_target_properties(catwalk PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/catwalk" INSTALL_RPATH_USE_LINK_PATH OFF)
foreach(name libtorch_cpu.so libc10.so libgomp.so.1)
  install(PROGRAMS "${CATWALK_TORCH_LIBRARY_DIR}/${name}" DESTINATION lib/catwalk)
endforeach()

# Made from the command line itself, by scripts/package.
set(made ${PROJECT_BINARY_DIR}/package)
install(FILES ${made}/catwalk.bash DESTINATION share/bash-completion/completions RENAME catwalk OPTIONAL)
install(FILES ${made}/catwalk.zsh DESTINATION share/zsh/vendor-completions RENAME _catwalk OPTIONAL)
install(FILES ${made}/catwalk.fish DESTINATION share/fish/vendor_completions.d OPTIONAL)
install(FILES ${made}/catwalk.1.gz DESTINATION share/man/man1 OPTIONAL)

install(FILES systemd/catwalk.service systemd/catwalk-browser.service DESTINATION lib/systemd/system)
install(FILES systemd/catwalk.sysusers DESTINATION lib/sysusers.d RENAME catwalk.conf)
install(FILES LICENSE README.md CHANGELOG.md systemd/catwalk-gpu.conf DESTINATION share/doc/catwalk)
# The README names them by their folder.
install(DIRECTORY docs DESTINATION share/doc/catwalk)
file(GLOB torch_license ${CATWALK_TORCH_ROOT}/../torch-*.dist-info/licenses/LICENSE)
install(FILES ${torch_license} DESTINATION share/doc/catwalk RENAME LICENSE.libtorch OPTIONAL)
install(FILES LICENSE DESTINATION share/doc/catwalk RENAME copyright)
install(FILES systemd/catwalk.yaml systemd/sites.yaml DESTINATION share/catwalk)
install(DIRECTORY config/schema DESTINATION share/catwalk)  # for editors

set(CPACK_PACKAGE_NAME catwalk)
set(CPACK_PACKAGE_VENDOR "the catwalk authors")
set(CPACK_PACKAGE_CONTACT "the catwalk authors <maintainers@catwalk.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF)  # libtorch is stripped, and the executable's symbols name what a crash was in
set(CPACK_THREADS 0)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CATWALK_TORCH_LIBRARY_DIR}")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers, systemd | systemd-standalone-sysusers | opensysusers, tzdata, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "chromium, prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/systemd/debian/postinst;${PROJECT_SOURCE_DIR}/systemd/debian/prerm;${PROJECT_SOURCE_DIR}/systemd/debian/postrm")
include(CPack)
