using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed class FileInspectorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_safetensors_file_shows_its_tensors_and_on_request_their_values()
    {
        var tensors = new Dictionary<string, Tensor>
        {
            ["b"] = Tensor.From([1, float.NaN, -3, float.PositiveInfinity], 2, 2),
            ["a"] = Tensor.Zeros(0),
        };
        SafetensorsWriter.Write(_folder.File("x.safetensors"), tensors, new Dictionary<string, string> { ["format"] = "pt" });

        var report = FileInspector.Inspect(_folder.File("x.safetensors"), statistics: true);

        Assert.Equal(FileKind.Safetensors, report.Kind);
        Assert.Equal("pt", Assert.Single(report.Metadata).Value);
        Assert.Equal(["a", "b"], report.Tensors.Select(t => t.Name));
        Assert.Equal((4, 16), (report.Elements, report.TensorBytes));
        Assert.Equal(new TensorStatistics(-3, 1, -1, 1, 1), report.Tensors[1].Statistics);
        Assert.Null(FileInspector.Inspect(_folder.File("x.safetensors")).Tensors[1].Statistics);
    }

    [Fact]
    public void a_blob_without_extension_is_known_by_its_first_bytes()
    {
        var arrays = new Dictionary<string, Tensor> { ["a"] = Tensor.Zeros(3) };
        SafetensorsWriter.Write(_folder.File("1"), arrays);
        NpzWriter.Write(_folder.File("2"), arrays);
        NpyWriter.Write(_folder.File("3"), arrays["a"]);
        File.WriteAllText(_folder.File("4"), "{}");
        File.WriteAllText(_folder.File("5"), "hello");
        FileKind[] kinds = [FileKind.Safetensors, FileKind.Npz, FileKind.Npy, FileKind.Json];
        Assert.Equal(kinds, "1234".Select(name => FileInspector.Inspect(_folder.File($"{name}")).Kind));
        Assert.Throws<FileFormatException>(() => FileInspector.Inspect(_folder.File("5")));
    }

    [Fact]
    public void a_config_shows_its_settings_and_an_index_its_shards_tensors()
    {
        var folder = Fixtures.Path("host", "gemma3-multimodal-v5-prefix");
        var config = FileInspector.Inspect(Path.Combine(folder, "config.json"));
        Assert.Contains(config.Metadata, setting => setting.Key == "text_config.hidden_size");

        var index = FileInspector.Inspect(Path.Combine(folder, ShardedSafetensors.IndexName));
        Assert.Equal(FileKind.ShardIndex, index.Kind);
        Assert.Equal(2, index.Tensors.Select(t => t.File).Distinct().Count());
        Assert.True(index.Bytes > index.TensorBytes);
    }

    [Fact]
    public void a_folder_shows_all_its_files_and_the_damaged_ones_as_such()
    {
        NpyWriter.Write(_folder.File("good.npy"), Tensor.Zeros(3));
        File.WriteAllText(_folder.File("bad.safetensors"), "short");
        File.WriteAllText(_folder.File("readme.txt"), "not ours");
        var report = FileInspector.Inspect(_folder.Path);
        Assert.Equal(["bad.safetensors", "good.npy"], report.Parts.Select(p => Path.GetFileName(p.Path)));
        Assert.Contains("too short", report.Parts[0].Problem, StringComparison.Ordinal);
        Assert.Equal(3, report.Elements);
    }
}
