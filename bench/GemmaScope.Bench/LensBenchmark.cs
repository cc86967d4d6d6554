using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// What fitting a Jacobian lens costs: a batch of output dimensions carried back through a layer, beside a prefill of as many rows through
/// as many layers, which is the same products the other way, and beside the general backward pass, one output at a time. Of two layers of
/// Gemma 2 2B's shape the second is passed.
/// </summary>
internal sealed class LensBenchmark() : Benchmark("lens", "fitting a Jacobian lens: a layer back for many outputs together")
{
    private const int Skip = 16;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.Options.Quick ? ModelShape.Tiny : ModelShape.TwoLayers);
        var length = setup.Options.Quick ? 24 : 128;
        var prompt = BenchSetup.Tokens(model.Config, length);
        var span = length - 1 - Skip;
        var last = model.Config.Layers - 1;
        using var workspace = new Workspace();
        using var pass = model.RunJacobian(prompt, last, last - 1, (Skip, span), JacobianPaths.All, workspace, null, setup.Cancellation);
        var outputs = pass.Batch;
        int[][] sequences = [.. Enumerable.Range(0, outputs).Select(s => BenchSetup.Tokens(model.Config, span, s))];
        var (from, to) = (Site.ResidPost(last - 1), Site.ResidPost(last));
        using var run = model.RunDifferentiable(prompt, capture: [to], from: from, to: to);
        var one = GradientTarget.Function(
            to,
            (_, gradient) =>
            {
                for (var position = Skip; position < length - 1; position++)
                    gradient.Row(position)[0] = 1;
                return 0;
            }
        );
        var rates = setup.Race(
            new((long)outputs * span, () => pass.Run(0, outputs, (_, _) => { }, setup.Cancellation)),
            new((long)outputs * span, () => model.Run(sequences, stopAfter: to, logits: LogitRows.None).Dispose()),
            new(span, () => run.Gradients(one, [from], setup.Cancellation).Dispose())
        );
        // The prefill passes all layers, the batch only one.
        double[] prefill = [.. rates[1].Select(rate => rate * (last + 1))];
        yield return Figure.Against("lens fit, a layer back", rates[0], "rows/s", 1, "a prefill's layer", prefill, 0.7);
        yield return Figure.Against("lens fit, many outputs together", rates[0], "rows/s", 1, "one output at a time", rates[2], 1.2);
    }
}
