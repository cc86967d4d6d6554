using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>The tensors of a checkpoint in safetensors files.</summary>
internal sealed class SafetensorsModel : ModelTensors
{
    private readonly ShardedSafetensors _files;
    private readonly WeightNames _names;

    private SafetensorsModel(ShardedSafetensors files) => (_files, _names) = (files, new WeightNames(files));

    public override string Path => _files.Path;

    public override float GainOffset(GemmaConfig config) => config.GainOffset;

    public override string Sizes => "config.json";

    public override IEnumerable<string> Heads => _names.Heads;

    public override IEnumerable<string> All => _names.All;

    /// <summary>Maps the weights of a model folder, or one safetensors file.</summary>
    /// <exception cref="FileFormatException">A file is missing or malformed.</exception>
    public static SafetensorsModel Open(string folder)
    {
        var files = ShardedSafetensors.Open(folder);
        try
        {
            return new(files);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public override string Stored(string name) => _names.Stored(name);

    public override void Ignore(string name) => _names.Ignore(name);

    public override Tensor Get(string stored) => _files[stored];

    public override string FileOf(string stored) => _files.FileOf(stored);

    public override bool Takes(DType type) => type.IsMatrixType();

    public override void RequireAllUsed(GemmaConfig config) => _names.RequireAllUsed(config);

    public override void RequireWhole() => _files.RequireWhole();

    public override void Dispose() => _files.Dispose();
}
