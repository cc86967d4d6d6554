// System.Numerics.Tensors, which comes along with the library, has a Tensor of its own.
global using Tensor = GemmaScope.Numerics.Tensor;
