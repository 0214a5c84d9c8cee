#include "core/product.hpp"
