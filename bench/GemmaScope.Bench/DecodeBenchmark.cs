using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>Token after token: each reads every weight once, so the limit is the memory.</summary>
internal sealed class DecodeBenchmark() : Benchmark("decode", "decode of 24 tokens, bytes of weights per second")
{
    private const int PromptTokens = 16;
    private const int NewTokens = 24;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.MainModel);
        using var matrices = new EveryMatrix(model.Folder);
        using var memory = setup.MemoryRead();
        const string limit = "memory read";
        var rates = setup.Race(
            memory.Contestant(),
            Decode(model, Arithmetic.Exact),
            Decode(model, Arithmetic.Fast),
            matrices.With(new ManagedKernels())
        );
        yield return Figure.Of("memory read, all threads", rates[0], GigaBytes, 1e9);
        yield return Figure.Against("decode exact", rates[1], GigaBytes, 1e9, limit, rates[0], 0.85);
        yield return Figure.Against("decode fast", rates[2], GigaBytes, 1e9, limit, rates[0], 0.85);
        yield return Figure.Against("all matrices times one vector, managed", rates[3], GigaBytes, 1e9, limit, rates[0], 0.80);
    }

    /// <summary>The generation of 24 tokens after a prompt, whose own time does not count.</summary>
    public static Contestant Decode(GemmaModel model, Arithmetic arithmetic, GenerationObserver? observer = null)
    {
        var prompt = BenchSetup.Tokens(model.Config, PromptTokens);
        var options = new GenerationOptions
        {
            MaxNewTokens = NewTokens + 1,
            Temperature = 0,
            StopTokens = [],
            Observer = observer,
            Arithmetic = arithmetic,
        };
        IEnumerator<int>? steps = null;
        return new(
            (double)NewTokens * model.WeightBytes,
            Call: () =>
            {
                while (steps!.MoveNext()) { }
            },
            Before: () =>
            {
                steps = model.Generate(prompt, options).GetEnumerator();
                steps.MoveNext();
            }
        );
    }

    /// <summary>The products of one decoded token and nothing else, straight from the mapped file.</summary>
    private sealed class EveryMatrix : IDisposable
    {
        private readonly ShardedSafetensors _files;
        private readonly WeightView[] _matrices;
        private readonly Tensor _x,
            _y;

        public EveryMatrix(string folder)
        {
            _files = ShardedSafetensors.Open(folder);
            _matrices =
            [
                .. _files
                    .Names.Select(name => _files[name])
                    .Where(tensor => tensor.Shape.Length == 2)
                    .Select(tensor => WeightView.Of(tensor, WeightLayout.OutIn)),
            ];
            _x = Tensor.Zeros(1, _matrices.Max(matrix => matrix.Inputs));
            _y = Tensor.Zeros(1, _matrices.Max(matrix => matrix.Outputs));
            _x.AsSpan().Fill(1);
        }

        public Contestant With(ManagedKernels kernels) =>
            new(
                _matrices.Sum(matrix => (double)matrix.Inputs * matrix.Outputs * matrix.Type.Size()),
                () =>
                {
                    foreach (var matrix in _matrices)
                        kernels.Multiply(
                            _x.AsMatrix().SliceColumns(0, matrix.Inputs),
                            matrix,
                            _y.AsMatrix().SliceColumns(0, matrix.Outputs),
                            Arithmetic.Exact
                        );
                }
            );

        public void Dispose()
        {
            _x.Dispose();
            _y.Dispose();
            _files.Dispose();
        }
    }
}
