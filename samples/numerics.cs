#:project ../src/GemmaScope/GemmaScope.csproj
// Multiplies two small matrices with the kernels this machine uses. Run: dotnet run samples/numerics.cs
using GemmaScope.Numerics;

using var x = Tensor.From([1, 2, 3, 4, 5, 6], 2, 3);          // [rows, inputs]
using var weights = Tensor.From([1, 0, 0, 1, 1, 1], 3, 2);    // [inputs, outputs]
using var y = Tensor.Zeros(2, 2);                             // [rows, outputs]

Console.WriteLine(Compute.Kernels.Name);
Compute.Kernels.Multiply(x.AsMatrix(), WeightView.Of(weights, WeightLayout.InOut), y.AsMatrix(), Arithmetic.Exact);
for (var row = 0; row < y.Rows; row++) Console.WriteLine(string.Join(" ", y.Row(row).ToArray()));
