using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

public class ComputeTests
{
    /// <summary>Right except for one output, or for all sums beyond 1024 products.</summary>
    private sealed class Broken(bool shortSums) : IDenseKernels
    {
        public string Name => "broken";

        public void Multiply(MatrixView x, WeightView weights, MatrixView y, Arithmetic arithmetic)
        {
            if (shortSums)
                (x, weights) = (x.SliceColumns(0, 1024), weights with { Inputs = 1024 });
            new ManagedKernels().Multiply(x, weights, y, arithmetic);
            if (!shortSums)
                y.Row(y.Rows - 1)[^1] += 0.01f;
        }
    }

    [Fact]
    public void the_self_check_passes_right_kernels_and_refuses_wrong_ones()
    {
        Assert.Null(SelfCheck.Run(new ManagedKernels(VectorWidth.V128)));
        Assert.Contains("broken differs", SelfCheck.Run(new Broken(shortSums: true)));
        Assert.Contains("broken differs", SelfCheck.Run(new Broken(shortSums: false)));
    }

    [Fact]
    public void kernels_are_chosen_by_name()
    {
        var managed = KernelChoice.Make("managed", "--kernels");
        Assert.IsType<ManagedKernels>(managed.Kernels);
        Assert.Contains("--kernels", managed.Problem);
        var automatic = KernelChoice.Make(null, Compute.KernelsVariable);
        Assert.Equal(automatic.Kernels is OneDnnKernels, automatic.Problem is null);
        Assert.Contains("'cuda'", Assert.Throws<ArgumentProblemException>(() => KernelChoice.Make("cuda", "--kernels")).Message);
    }

    [Fact]
    public void the_description_says_what_is_computed_with()
    {
        var description = Compute.Describe();
        Assert.Equal(Compute.Kernels.Name, description.Kernels);
        Assert.Equal(Workers.Count, description.Threads);
        Assert.InRange(description.AvailableMemoryBytes, 1, description.MemoryBytes);
        Assert.Throws<ArgumentProblemException>(() => Compute.UseKernels("managed"));
    }
}
