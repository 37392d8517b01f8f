# SPDX-License-Identifier: LGPL-2.1-or-later
# Warnings, hardening and sanitizers, as three targets that everything here links to.
include(CheckCCompilerFlag)

# Fuzzers see only what is instrumented for them.
if(VDISK_FUZZ)
  set(VDISK_SANITIZE address)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

add_library(vdisk_warnings INTERFACE)
target_compile_options(vdisk_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align -Wpointer-arith
  -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wvla -Wwrite-strings -Wdouble-promotion
  -Wnull-dereference -Wimplicit-fallthrough)
if(VDISK_WERROR)
  target_compile_options(vdisk_warnings INTERFACE -Werror)
endif()
target_compile_definitions(vdisk_warnings INTERFACE _GNU_SOURCE)

add_library(vdisk_hardening INTERFACE)
target_compile_options(vdisk_hardening INTERFACE -fstack-protector-strong)
check_c_compiler_flag(-fstack-clash-protection VDISK_HAVE_STACK_CLASH)
if(VDISK_HAVE_STACK_CLASH)
  target_compile_options(vdisk_hardening INTERFACE -fstack-clash-protection)
endif()
check_c_compiler_flag(-fcf-protection VDISK_HAVE_CF_PROTECTION)
if(VDISK_HAVE_CF_PROTECTION)
  target_compile_options(vdisk_hardening INTERFACE -fcf-protection)
endif()
# Fortifying needs an optimising build, and hides from the sanitizers what it catches first.
if(NOT VDISK_SANITIZE)
  target_compile_options(vdisk_hardening INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
endif()
target_link_options(vdisk_hardening INTERFACE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack LINKER:--as-needed)

if(VDISK_SANITIZE)
  add_compile_options(-fsanitize=${VDISK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${VDISK_SANITIZE})
endif()
