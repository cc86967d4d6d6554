using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Text;
using GemmaScope.Text.Jinja;
using Xunit;

namespace GemmaScope.Tests.Text;

/// <summary>The chat template that lies in a model's folder.</summary>
public sealed class ModelChatTemplateTests : IDisposable
{
    // In words of its own what the known template of Gemma 2 does.
    private const string Turns =
            """
                {%- for m in messages -%}
                {%- if m.role == 'system' and loop.first -%}{{ raise_exception('no system here') }}{%- endif -%}
                {%- if (loop.index is odd) != (m.role == 'user') -%}{{ raise_exception('not in turn') }}{%- endif -%}
                {{ '<start_of_turn>' ~ {'assistant': 'model'}.get(m.role, m.role) ~ '\n' ~ m.content.strip() ~ '<end_of_turn>\n' }}
                {%- endfor -%}
                {%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}
                """,
        ChatMl = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";

    private static readonly ChatMessage Hello = new("user", " Hello\n"),
        Hi = new("assistant", "Hi."),
        Brief = new("system", "Be brief.");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void one_that_writes_what_the_known_one_writes_is_the_known_one()
    {
        Assert.Same(ChatTemplate.Gemma2, ForModel("gemma2"));
        _folder.Write("chat_template.jinja", "{{ bos_token }}" + Turns);
        Assert.Same(ChatTemplate.Gemma2, ForModel("gemma2"));
        var other = ForModel("gemma3_text");
        Assert.True(other.IsModelsOwn);
        Assert.Equal("chat_template.jinja", other.Name);
    }

    [Theory]
    [InlineData("m.content.strip()", "m.content")]
    [InlineData("m.content.strip()", "m.content.split('</think>')[-1].strip()")]
    [InlineData("<end_of_turn>\\n", "<end_of_turn>")]
    [InlineData("{{ raise_exception('not in turn') }}", "")]
    [InlineData("not in turn') }}", "not in turn') if loop.last }}")]
    [InlineData("'assistant': 'model'", "'bot': 'model'")]
    [InlineData("{%- if add_generation_prompt -%}", "{%- if false -%}")]
    public void each_difference_is_noticed(string written, string instead)
    {
        Assert.Contains(written, Turns);
        _folder.Write("chat_template.jinja", "{{ bos_token }}" + Turns.Replace(written, instead));
        Assert.True(ForModel("gemma2").IsModelsOwn);
    }

    [Fact]
    public void the_published_template_of_gemma_3_is_the_known_one()
    {
        var settings = Path.Combine(Fixtures.Repository, "node_modules", "@lenml", "tokenizer-gemma3", "models", "tokenizer_config.json");
        Assert.SkipUnless(File.Exists(settings), "the vocabulary of Gemma 3 is not on this machine; ./test.sh gets it");
        File.Copy(settings, _folder.File("tokenizer_config.json"));
        Assert.Same(ChatTemplate.Gemma3, ForModel("gemma3"));
        var own = new ModelChatTemplate(ChatTemplateFile.Find(_folder.Path)!, TokenizerSettings.Load(_folder.Path).SpecialTokens);
        foreach (var line in JsonLines.Read(Fixtures.Path("chat", "gemma3-it.jsonl")))
            Assert.Equal(line.Text("text") ?? line.Text("error"), Rendered(own, line));
    }

    [Theory]
    [InlineData("small", "gemma4_e2b_chat_template.jinja2")]
    [InlineData("large", "gemma4_31b_chat_template.jinja2")]
    public void the_templates_of_gemma_4_write_what_jinja_makes_of_them(string form, string file)
    {
        var source = SharedData.File("..", "fixtures", "gemma4", "chat", "gemma4", "template", file);
        var template = JinjaTemplate.Parse(File.ReadAllText(source), file);
        var lines = JsonLines
            .Read(SharedData.File("..", "fixtures", "gemma4", "chat", "gemma4", "gemma4-it.jsonl"))
            .Where(line => line.Text("form") == form)
            .ToArray();
        Assert.Equal(86, lines.Length);
        foreach (var line in lines)
        {
            var values = ((JinjaMap)JinjaTemplateTests.Value(line.Element)!).ToDictionary(pair => (string)pair.Key, pair => pair.Value);
            values["bos_token"] = "<bos>";
            if (line.Text("text") is { } text)
                Assert.Equal(text, template.Render(values));
            else
                Assert.ThrowsAny<Exception>(() => template.Render(values));
        }
    }

    [Theory]
    [InlineData("chat_template.jinja", ChatMl)]
    [InlineData("tokenizer_config.json", "{\"chat_template\": TEMPLATE}")]
    [InlineData(
        "tokenizer_config.json",
        "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"x\"}, {\"name\": \"default\", \"template\": TEMPLATE}]}"
    )]
    [InlineData("chat_template.json", "{\"chat_template\": TEMPLATE}")]
    public void it_is_found_where_models_have_it(string file, string content)
    {
        _folder.Write(file, content.Replace("TEMPLATE", JsonSerializer.Serialize(ChatMl)));
        var template = ForModel("gemma2");
        Assert.Equal((file, true), (template.Name, template.IsModelsOwn));
        Assert.Equal("<|im_start|>user\n Hello\n<|im_end|>\n", template.Render([Hello], addGenerationPrompt: true));
        Assert.Equal(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hello\n<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n",
            template.Render([Brief, Hello, Hi], addGenerationPrompt: false, SystemHandling.Reject)
        );
    }

    [Fact]
    public void the_file_of_its_own_counts_before_the_settings()
    {
        var trial = Fixtures.Path("trials", "chat_template_ignored");
        Assert.Equal("must not be used", Refusal(ForModel("gemma2", trial)).Problem);
        Assert.Equal("chat_template.jinja", Refusal(ForModel("gemma2", trial)).Location);

        static ArgumentProblemException Refusal(ChatTemplate template) =>
            Assert.Throws<ArgumentProblemException>(() => template.Render([Hello], addGenerationPrompt: true));
    }

    [Theory]
    [InlineData("chat_template.jinja", "{% include 'x' %}", "'include' is not supported")]
    [InlineData("tokenizer_config.json", "{\"chat_template\": 5}", "must be a template or a list of named ones")]
    [InlineData("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"x\"}]}", "none named 'default'")]
    [InlineData("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\"}]}", "no template")]
    [InlineData("tokenizer_config.json", "{\"chat_template\": [7, {}]}", "must be a list of objects")]
    [InlineData("tokenizer_config.json", "{\"chat_templ", "not valid JSON")]
    public void what_cannot_be_used_is_said_with_the_file(string file, string content, string message)
    {
        _folder.Write(file, content);
        var problem = Assert.Throws<FileFormatException>(() => ForModel("gemma2"));
        Assert.Equal(_folder.File(file), problem.Location);
        Assert.Contains(message, problem.Message);
    }

    [Fact]
    public void one_that_writes_nothing_is_named()
    {
        var file = _folder.Write("chat_template.jinja", "{# nothing #}");
        var problem = Assert.Throws<FileFormatException>(() => ForModel("gemma2").Encode(Vocabularies.Demo, [Hello], true));
        Assert.Equal(file, problem.Location);
    }

    [Fact]
    public void special_tokens_are_those_of_the_files()
    {
        _folder.Write("chat_template.jinja", "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ boi_token }}{{ messages[0].content }}");
        Assert.Equal("<bos><eos><pad>Hi.", ForModel("gemma2").Render([Hi], false));
        _folder.Write("special_tokens_map.json", "{\"eos_token\": \"<end>\", \"boi_token\": {\"content\": \"<image>\"}}");
        _folder.Write("tokenizer_config.json", "{\"eos_token\": {\"content\": \"<end_of_turn>\", \"lstrip\": false}, \"pad_token\": null}");
        Assert.Equal("<bos><end_of_turn><pad><image>Hi.", ForModel("gemma2").Render([Hi], false));
    }

    [Fact]
    public void the_bos_that_it_writes_is_the_only_one()
    {
        var known = ChatTemplate.Gemma2.Encode(Vocabularies.Demo, [Hello], addGenerationPrompt: true);
        foreach (
            var (start, ids) in ((string, int[])[])
                [("{{ bos_token }}", known), ("", known[1..]), ("{{ bos_token }}{{ eos_token }}", [2, 1, .. known[1..]])]
        )
        {
            _folder.Write("chat_template.jinja", start + Turns);
            var own = new ModelChatTemplate(ChatTemplateFile.Find(_folder.Path)!, TokenizerSettings.Load(_folder.Path).SpecialTokens);
            Assert.Equal(ids, own.Encode(Vocabularies.Demo, [Hello], addGenerationPrompt: true));
        }
    }

    private ChatTemplate ForModel(string type, string? folder = null) => ChatTemplate.ForModel(folder ?? _folder.Path, type);

    private static string Rendered(ModelChatTemplate template, JsonSection line)
    {
        var messages = line.Objects("messages")
            .Select(message => new ChatMessage(
                message.Text("role")!,
                message.Element.GetProperty("content").ValueKind == JsonValueKind.String
                    ? [ChatPart.Of(message.Text("content")!)]
                    : [.. message.Objects("content").Select(part => new ChatPart(part.Text("type")!, part.Text("text")))]
            ))
            .ToArray();
        try
        {
            return template.Render(messages, line.Flag("add_generation_prompt") ?? false);
        }
        catch (ArgumentProblemException problem)
        {
            return problem.Problem;
        }
    }
}
