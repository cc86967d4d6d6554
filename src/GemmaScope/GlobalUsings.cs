// System.Numerics.Tensors, whose TensorPrimitives the kernels use, has a Tensor of its own.
global using Tensor = GemmaScope.Numerics.Tensor;
