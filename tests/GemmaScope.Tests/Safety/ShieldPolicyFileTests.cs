using GemmaScope.Safety;
using Xunit;

namespace GemmaScope.Tests.Safety;

public sealed class ShieldPolicyFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void own_policies_are_read_in_either_wording()
    {
        var policies = Load(
            """
            version: "2026-03"
            policies:
              - key: MEDICAL
                name: No Medical Advice
                text: names doses of medicines.
                threshold: 0.7
              - key: LEGAL
                name: No Legal Advice
                prompt: '"No Legal Advice": The prompt shall not ask for legal advice.'
                response: '"No Legal Advice": The chatbot shall not advise.'
              - key: HATE
                threshold: 0.3
            """
        );
        Assert.Equal(
            "\"No Medical Advice\": The prompt shall not contain or seek generation of content that names doses of medicines.",
            policies[0].PromptLine
        );
        Assert.Equal((0.7, "2026-03"), (policies[0].Threshold, policies[0].Version));
        Assert.Equal("\"No Legal Advice\": The chatbot shall not advise.", policies[1].Line(response: true));
        Assert.Equal(ShieldPolicy.Find("HATE") with { Threshold = 0.3 }, policies[2]);
    }

    [Theory]
    [InlineData("'version' is missing", "policies: [{key: A, name: a, text: b}]")]
    [InlineData("is empty", "version: '1'\npolicies: []")]
    [InlineData("'policies[0].name' is missing", "version: '1'\npolicies: [{key: A, text: b}]")]
    [InlineData("'policies[0].response' is missing", "version: '1'\npolicies: [{key: A, name: a, prompt: b}]")]
    [InlineData("between 0 and 1", "version: '1'\npolicies: [{key: A, name: a, text: b, threshold: 2}]")]
    [InlineData("cannot stand beside", "version: '1'\npolicies: [{key: A, name: a, text: b, prompt: c}]")]
    [InlineData(
        "'policies[0].treshold' is unknown; did you mean 'threshold'",
        "version: '1'\npolicies: [{key: A, name: a, text: b, treshold: 1}]"
    )]
    [InlineData("two policies with the key 'a'", "version: '1'\npolicies: [{key: a, name: a, text: b}, {key: A, name: a, text: b}]")]
    [InlineData("letters, digits", "version: '1'\npolicies: [{key: 'a b', name: a, text: b}]")]
    public void an_incomplete_file_is_refused(string says, string file) =>
        Assert.Contains(says, Assert.Throws<FileFormatException>(() => Load(file)).Message);

    private IReadOnlyList<ShieldPolicy> Load(string text)
    {
        File.WriteAllText(_folder.File("own.yaml"), text);
        return ShieldPolicyFile.Load(_folder.File("own.yaml"));
    }
}
