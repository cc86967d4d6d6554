using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Tests.Dictionaries;

/// <summary>Small dictionaries with whole numbers, so that every sum is exact in any order.</summary>
internal static class SampleDictionaries
{
    public static Tensor Integers(Random random, int bound, params long[] shape)
    {
        var tensor = Tensor.Uninitialized(shape);
        foreach (ref var value in tensor.AsSpan())
            value = random.Next(-bound, bound + 1);
        return tensor;
    }

    /// <summary>Writes a Gemma Scope 1 file.</summary>
    public static string WriteScopeOne(string root, string path, int model, int width, int seed = 1)
    {
        var random = new Random(seed);
        var folder = Path.Combine(root, path);
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, "params.npz");
        NpzWriter.Write(
            file,
            new Dictionary<string, Tensor>
            {
                ["W_enc"] = Integers(random, 3, model, width),
                ["W_dec"] = Integers(random, 3, width, model),
                ["b_enc"] = Integers(random, 2, width),
                ["b_dec"] = Integers(random, 2, model),
                ["threshold"] = Integers(random, 4, width),
            }
        );
        return file;
    }

    public static DictionaryParameters Parameters(int model, int width, int seed)
    {
        var random = new Random(seed);
        return new DictionaryParameters
        {
            Activation = ActivationFunction.JumpRelu,
            Encoder = Integers(random, 3, model, width),
            Decoder = Integers(random, 3, width, model),
            DecoderBias = Integers(random, 3, model).AsSpan().ToArray(),
            EncoderBias = Integers(random, 3, width).AsSpan().ToArray(),
            Threshold = Integers(random, 6, width).AsSpan().ToArray(),
        };
    }
}

/// <summary>Small dictionaries of the residual stream after some layers, as a folder of Gemma Scope 1 holds them.</summary>
internal sealed class SampleLayers : IDisposable
{
    /// <param name="root">The folder they are written to.</param>
    /// <param name="model">Width of the model.</param>
    /// <param name="layers">Their layers.</param>
    /// <param name="width">Features of each.</param>
    public SampleLayers(string root, int model, int[] layers, int width = 64) =>
        Dictionaries = [
            .. layers.Select(
                (layer, i) =>
                    SparseDictionary.Load(
                        SampleDictionaries.WriteScopeOne(
                            root,
                            $"resid_post/layer_{layer}/width_{width}/average_l0_9",
                            model,
                            width,
                            seed: i + 1
                        )
                    )
            ),
        ];

    public SparseDictionary[] Dictionaries { get; }

    public void Dispose()
    {
        foreach (var one in Dictionaries)
            one.Dispose();
    }
}
