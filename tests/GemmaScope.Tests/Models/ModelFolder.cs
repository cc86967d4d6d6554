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
        foreach (var name in (string[])["config.json", "generation_config.json", "model.safetensors"])
            File.Copy(Fixtures.Path("host", fixture, name), System.IO.Path.Combine(Path, name));
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
