using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>Token after token: each reads every weight once, so the limit is the memory.</summary>
internal sealed class DecodeBenchmark() : Benchmark("decode", "decode of 8 tokens, bytes of weights per second")
{
    private const int PromptTokens = 16;
    private const int NewTokens = 8;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var folder = setup.Folder(setup.MainModel);
        using var mapped = GemmaModel.Load(folder, new ModelLoadOptions { Storage = WeightStorage.Mapped });
        const string decode = "decode exact, mapped";
        var copying = setup.Race(Decode(mapped, Arithmetic.Exact), Copying(folder, mapped.WeightBytes));
        yield return Figure.Against("copying the weights into memory", copying[1], GigaBytes, 1e9, decode, copying[0]);

        using var copied = GemmaModel.Load(folder, new ModelLoadOptions { Storage = WeightStorage.Private });
        using var matrices = new EveryMatrix(folder);
        using var small = setup.MemoryRead();
        using var huge = setup.MemoryRead(hugePages: true);
        const string ofFile = "read of the mapped weights",
            ofMemory = "read of memory, huge pages";
        var rates = setup.Race(
            small.Contestant(),
            huge.Contestant(),
            matrices.Read(),
            Decode(mapped, Arithmetic.Exact),
            Decode(mapped, Arithmetic.Fast),
            matrices.With(new ManagedKernels()),
            Decode(copied, Arithmetic.Exact),
            Decode(copied, Arithmetic.Fast)
        );
        yield return Figure.Of("read of memory, small pages", rates[0], GigaBytes, 1e9);
        yield return Figure.Of(ofMemory, rates[1], GigaBytes, 1e9);
        yield return Figure.Against(ofFile, rates[2], GigaBytes, 1e9, ofMemory, rates[1]);
        yield return Figure.Against(decode, rates[3], GigaBytes, 1e9, ofFile, rates[2], 0.9);
        yield return Figure.Against("decode fast, mapped", rates[4], GigaBytes, 1e9, ofFile, rates[2], 0.9);
        yield return Figure.Against("all matrices times one vector, mapped, managed", rates[5], GigaBytes, 1e9, ofFile, rates[2], 0.80);
        yield return Figure.Against("decode exact, in memory", rates[6], GigaBytes, 1e9, ofMemory, rates[1], 0.85);
        yield return Figure.Against("decode fast, in memory", rates[7], GigaBytes, 1e9, ofMemory, rates[1], 0.85);
        yield return Figure.Against("decode exact, in memory and mapped", rates[6], GigaBytes, 1e9, "mapped", rates[3]);
    }

    /// <summary>Loading with a copy of all weights; beside it mapping and settings cost nothing.</summary>
    private static Contestant Copying(string folder, long bytes) =>
        new(bytes, () => GemmaModel.Load(folder, new ModelLoadOptions { Storage = WeightStorage.Private, CheckFinite = false }).Dispose());

    /// <summary>The generation of 8 tokens after a prompt, whose own time does not count.</summary>
    /// <param name="model">The model.</param>
    /// <param name="arithmetic">How.</param>
    /// <param name="bytes">Bytes of weights that a token needs; null for all.</param>
    /// <param name="observer">Who watches; null for nobody.</param>
    public static Contestant Decode(GemmaModel model, Arithmetic arithmetic, double? bytes = null, GenerationObserver? observer = null)
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
            NewTokens * (bytes ?? model.WeightBytes),
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

        /// <summary>Reads every byte of them and does nothing else.</summary>
        public unsafe Contestant Read()
        {
            Contestant[] reads = [.. _matrices.Select(matrix => MemoryRead.Of((byte*)matrix.Data, matrix.RowBytes * matrix.Outputs))];
            return new(
                reads.Sum(read => read.Work),
                () =>
                {
                    foreach (var read in reads)
                        read.Call();
                }
            );
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
