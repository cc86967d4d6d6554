using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Models;

/// <summary>A throw-away copy of a fixture model, with one thing changed.</summary>
internal sealed class ModelFolder : IDisposable
{
    public ModelFolder(string fixture)
    {
        Path = Directory.CreateTempSubdirectory("gemmascope-model-").FullName;
        foreach (var file in Directory.EnumerateFiles(Fixtures.Path("host", fixture)))
            if (!System.IO.Path.GetFileName(file).StartsWith("expected", StringComparison.Ordinal))
                File.Copy(file, System.IO.Path.Combine(Path, System.IO.Path.GetFileName(file)));
    }

    public string Path { get; }

    public ModelFolder Config(string from, string to)
    {
        var file = System.IO.Path.Combine(Path, "config.json");
        var text = File.ReadAllText(file);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(file, text.Replace(from, to, StringComparison.Ordinal));
        return this;
    }

    /// <summary>Rewrites the weights; a change to null leaves the tensor out.</summary>
    public ModelFolder Weights(Action<Dictionary<string, Tensor>> change)
    {
        var file = System.IO.Path.Combine(Path, "model.safetensors");
        using (var old = SafetensorsFile.Open(file))
        {
            var tensors = old.Tensors.ToDictionary();
            change(tensors);
            SafetensorsWriter.Write(file + ".new", tensors);
        }
        File.Move(file + ".new", file, overwrite: true);
        return this;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
