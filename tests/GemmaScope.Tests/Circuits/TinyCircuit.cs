using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Tests.Circuits;

/// <summary>A tiny model with random transcoders, which explain little but in the same way as good ones.</summary>
internal sealed class TinyCircuit : IDisposable
{
    public static readonly int[] Prompt = [2, 105, 12, 19, 64, 12, 69, 33, 20, 85, 7];

    private TinyCircuit(GemmaModel model, TranscoderSet set, int[] prompt, int? zeroPositions)
    {
        (Host, Set) = (model, set);
        Model = ReplacementModel.Of(model, set, prompt, zeroPositions);
    }

    public GemmaModel Host { get; }

    public TranscoderSet Set { get; }

    public ReplacementModel Model { get; }

    /// <summary>Transcoders of some layers (null: all), which read one kind of site.</summary>
    public static TinyCircuit Make(
        SiteKind input = SiteKind.MlpIn,
        bool skip = false,
        int[]? layers = null,
        string family = "gemma3",
        int[]? prompt = null,
        int? zeroPositions = 1,
        float scale = 1,
        bool subtracts = false,
        float threshold = 1.2f
    )
    {
        var model = GemmaModel.Load(
            family.StartsWith("gemma4", StringComparison.Ordinal)
                ? Fixtures.Path("host", family)
                : Fixtures.Path("attribution", "models", family)
        );
        layers ??= [.. Enumerable.Range(0, model.Config.Layers)];
        var set = TranscoderSet.Of(
            [.. layers.Select(layer => Transcoder(layer, model.Config.Width, input, skip, scale, subtracts, threshold))],
            model.Config
        );
        return new(model, set, prompt ?? Prompt, zeroPositions);
    }

    public static SparseDictionary Transcoder(
        int layer,
        int width,
        SiteKind input = SiteKind.MlpIn,
        bool skip = false,
        float scale = 1,
        bool subtracts = false,
        float threshold = 1.2f
    )
    {
        const int features = 40;
        var random = new Random(layer + 1);
        return new DictionaryParameters
        {
            Activation = ActivationFunction.JumpRelu,
            Encoder = Numbers(random, 0.2f, width, features),
            Decoder = Numbers(random, 0.3f, features, width),
            DecoderBias = [.. Numbers(random, 0.1f, width).AsSpan()],
            EncoderBias = [.. Numbers(random, 0.1f, features).AsSpan()],
            Threshold = [.. Enumerable.Repeat(threshold, features)],
            Skip = skip ? Numbers(random, 0.1f, width, width) : null,
            InputScale = scale,
            SubtractsDecoderBias = subtracts,
        }.ToDictionary($"layer {layer}", new Site(input, layer), Site.MlpOut(layer));
    }

    public AttributionGraph Graph(params CircuitTarget[] targets) =>
        AttributionGraph.Compute(Model, targets.Length == 0 ? CircuitTarget.TopLogits(Model) : targets);

    public void Dispose()
    {
        Model.Dispose();
        Set.Dispose();
        Host.Dispose();
    }

    private static Tensor Numbers(Random random, float size, params long[] shape)
    {
        var tensor = Tensor.Zeros(shape);
        foreach (ref var value in tensor.AsSpan())
            value = size * (float)Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * (float)Math.Cos(2 * Math.PI * random.NextDouble());
        return tensor;
    }
}
