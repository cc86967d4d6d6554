using GemmaScope.Models;

namespace GemmaScope.Cli.Output;

/// <summary>Says where the weights of a model lie.</summary>
internal static class WeightPlace
{
    /// <summary>In a few words.</summary>
    /// <param name="model">A model.</param>
    /// <param name="free">Bytes of memory that are free.</param>
    public static string Of(GemmaModel model, long free) =>
        model.Storage switch
        {
            WeightStorage.Private => $"in memory ({Format.Bytes(model.PrivateWeightBytes)})",
            WeightStorage.Automatic when free / 2 >= model.WeightBytes - model.PrivateWeightBytes =>
                "mapped, and copied into memory while text is written",
            _ => "mapped",
        };
}
